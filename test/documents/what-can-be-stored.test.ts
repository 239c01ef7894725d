import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { documentsOf, faultsOf, type TestDocuments } from './documents-of.ts'

let server: TestServer
let project: TestProject
let notes: TestDocuments

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  await project.defineCollection('notes')
  notes = documentsOf(project, 'notes')
})

afterAll(() => server.stop())

const byEveryDoor = ['create', 'replace', 'patch', 'transaction'] as const

/** Sends data through a door as JSON text, since not all of it can be an object here. */
async function send(door: (typeof byEveryDoor)[number], json: string) {
  const path = '/collections/notes/documents'
  switch (door) {
    case 'create':
      return project.call('POST', path, { body: json })
    case 'replace':
      return project.call('PUT', `${path}/target`, { body: json })
    case 'patch':
      await notes.put('target', { present: 1 })
      return project.call('PATCH', `${path}/target`, { body: json })
    case 'transaction':
      return project.call('POST', '/transactions', {
        body: `{"operations":[{"op":"create","collection":"notes","data":${json}}]}`,
      })
  }
}

describe.each(byEveryDoor)('by %s', (door) => {
  test.each([
    '{"_x":1}',
    '{"$x":1}',
    '{"__proto__":{"a":1}}',
    '{"a":{"__proto__":1}}',
    '{"constructor":1}',
    '{"constructor":{"prototype":{"a":1}}}',
    '{"a":[{"b":{"prototype":1}}]}',
    '{"a":[{"_b":1}]}',
    '{"a":{"b":[[{"$c":1}]]}}',
    '{"createdAt":"2020-01-01"}',
    '{"updatedAt":null}',
    '{"version":7}',
    '{"":1}',
    `{"${'n'.repeat(129)}":1}`,
    '{"a":"nul\\u0000"}',
    '{"nul\\u0000":1}',
    '{"a":["\\ud800"]}',
    '{"\\udc00x":1}',
    '{"a":1e999}',
    '{"a":[-1e400]}',
    `{"a":${'['.repeat(20)}${']'.repeat(20)}}`,
    `{"a":${'[{"b":'.repeat(5000)}1${'}]'.repeat(5000)}}`,
  ])('%s is refused with 400 and leaves nothing', async (json) => {
    const before = await countAll()
    const answer = await send(door, json)
    expect(answer.status).toBe(400)
    expect(answer.body.code).toBe('invalid_request')
    expect(answer.body.errors.length).toBeGreaterThan(0)
    const after = door === 'patch' ? [before[0], (await notes.get('target')).body.version] : await countAll()
    if (door === 'patch') expect((await notes.get('target')).body).toMatchObject({ present: 1 })
    else expect(after).toEqual(before)
  })

  test.each([
    '{"id_":1,"x_y":{"id":1,"version":2,"createdAt":3}}',
    '{"a":"\\ud83d\\ude00 \\u0001 \\u2028"}',
    '{"😀 a.b/c~d\\"":1}',
    '{"hasOwnProperty":1,"toString":{"valueOf":2}}',
    '{"a":1.7976931348623157e308,"b":5e-324,"c":-0.1,"d":9007199254740993}',
    `{"a":${'['.repeat(19)}${']'.repeat(19)}}`,
    '{"a":{},"b":[],"c":"","d":null,"e":false}',
  ])('%s comes back as it was', async (json) => {
    const { status, body } = await send(door, json)
    expect([200, 201]).toContain(status)
    const stored = door === 'transaction' ? body.results[0] : body
    const read = (await notes.get(stored.id)).body
    expect(read).toEqual(stored)
    if (door === 'patch' && json.includes('null'))
      expect(read).toMatchObject({ a: {}, b: [], c: '', e: false })
    else expect(read).toMatchObject(JSON.parse(json))
  })
})

async function countAll(): Promise<number[]> {
  const { body } = await notes.query({ count: true, limit: 1 })
  return [body.count]
}

test('every fault is told at once, with its path', async () => {
  const answer = await notes.create({ _a: 1, b: { $c: 1 }, d: ['\0'], version: 1 })
  expect(faultsOf(answer).sort()).toEqual(
    ['_a reserved', 'b.$c reserved', 'd[0] invalid_text', 'version reserved'].sort(),
  )
})

test('a document holds 1,024 fields and not one more, however they are nested', async () => {
  const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, n]))
  expect((await notes.create(fields(1023))).status).toBe(201)
  expect((await notes.create(fields(1024))).status).toBe(201)
  expect(faultsOf(await notes.create(fields(1025)))).toEqual([' too_many_fields'])
  expect((await notes.create({ a: [fields(1023)] })).status).toBe(201)
  expect((await notes.create({ a: [fields(512), fields(512)] })).status).toBe(400)
  const { id } = (await notes.create(fields(1024))).body
  expect((await notes.patch(id, { more: 1 })).status).toBe(400)
  expect((await notes.patch(id, { f0: null, more: 1 })).status).toBe(200)
})

test('a document has at most 1 MiB of JSON', async () => {
  const limit = 1024 * 1024
  const empty = JSON.stringify({ text: '' }).length
  for (const [size, status] of [
    [limit - 1, 201],
    [limit, 201],
    [limit + 1, 413],
  ] as const) {
    const answer = await notes.create({ text: 'x'.repeat(size - empty) })
    expect([size, answer.status]).toEqual([size, status])
    if (status === 413) expect(answer.body.code).toBe('payload_too_large')
  }
  // Characters are not bytes.
  const { id } = (await notes.create({ text: 'ä'.repeat(limit / 2 - 200) })).body
  expect((await notes.patch(id, { more: 'ä'.repeat(400) })).status).toBe(413)
  expect((await notes.patch(id, { more: 'ä' })).status).toBe(200)
})

describe('a body that is not a JSON object', () => {
  test.each(['', '{', '[]', '"a"', 'null', '1', '{"a":1}}', '{"a":undefined}', "{'a':1}"])(
    '%j',
    async (body) => {
      const answer = await project.call('POST', '/collections/notes/documents', {
        body: body === '' ? undefined : body,
      })
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
    },
  )

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/x-ndjson',
    'multipart/form-data',
    'x',
  ])('as %s', async (type) => {
    const answer = await project.call('POST', '/collections/notes/documents', {
      body: '{"a":1}',
      headers: { 'content-type': type },
    })
    expect(answer.status).toBe(415)
    expect(['invalid_request', 'unsupported_media_type']).toContain(answer.body.code)
  })
})
