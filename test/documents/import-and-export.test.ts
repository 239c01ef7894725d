import { once } from 'node:events'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { documentsOf } from './documents-of.ts'

let server: TestServer
let project: TestProject
let collections = 0

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
})

afterAll(() => server.stop())

const ndjson = { 'content-type': 'application/x-ndjson' }

async function newCollection(definition = {}): Promise<string> {
  const name = `c${collections++}`
  await project.defineCollection(name, definition)
  return name
}

const importInto = (name: string, body: string, query = '', as = project.secret) =>
  project.call('POST', `/collections/${name}/documents/import${query}`, { body, headers: ndjson, as })
const exportFrom = (name: string, as = project.secret) =>
  fetch(`${server.url}/v1/projects/${project.ref}/collections/${name}/documents/export`, {
    headers: as.startsWith('pk_') ? { 'x-api-key': as } : { authorization: `Bearer ${as}` },
  })

test('what was exported can be imported elsewhere, with its ids and without loss', async () => {
  const name = await newCollection()
  const documents = documentsOf(project, name)
  for (let n = 0; n < 1_200; n += 1) {
    if (n < 5) await documents.create({ n, text: 'ä\n"😀\u2028', list: [null, { a: 1.5e-7 }] })
  }
  await importInto(name, Array.from({ length: 1_200 }, (_, n) => `{"n":${n}}`).join('\n'))
  const exported = await exportFrom(name)
  expect(exported.headers.get('content-type')).toMatch('application/x-ndjson')
  const text = await exported.text()
  const lines = text.trimEnd().split('\n')
  expect(lines).toHaveLength(1_205)

  const other = await newCollection()
  expect((await importInto(other, text)).body).toEqual({ imported: 1_205, failed: 0, errors: [] })
  const again = await (await exportFrom(other)).text()
  const withoutSystem = (line: string) => {
    const { createdAt: _created, updatedAt: _updated, version, ...data } = JSON.parse(line)
    expect(version).toBe(1)
    return data
  }
  expect(again.trimEnd().split('\n').map(withoutSystem)).toEqual(lines.map(withoutSystem))
})

test('an empty collection exports nothing', async () => {
  expect(await (await exportFrom(await newCollection())).text()).toBe('')
})

describe('faulty lines', () => {
  test('are told by number and cause, and the others are stored', async () => {
    const name = await newCollection({ schema: { properties: { n: { type: 'number' } } } })
    const { status, body } = await importInto(
      name,
      [
        '{"id":"a","n":1}',
        '{"n":',
        '',
        '[1]',
        '{"n":"x"}',
        '{"_n":1}',
        '{"id":"a b"}',
        '{"id":"nul\\u0000"}',
        '{"id":"a","n":2}',
        '{"__proto__":{"x":1}}',
        '   ',
        '{"n":3}\r',
        '{"id":"last","n":4}',
      ].join('\n'),
    )
    expect(status).toBe(200)
    expect([body.imported, body.failed]).toEqual([3, 8])
    expect(body.errors.map(({ line, code }: { line: number; code: string }) => `${line} ${code}`)).toEqual([
      '2 invalid_request',
      '4 invalid_request',
      '5 validation_failed',
      '6 invalid_request',
      '7 invalid_request',
      '8 invalid_request',
      expect.stringMatching(/^(1|9) already_exists$/),
      '10 invalid_request',
    ])
  })

  test('are told a hundred times at most', async () => {
    const { body } = await importInto(await newCollection(), 'x\n'.repeat(250))
    expect([body.imported, body.failed, body.errors.length]).toEqual([0, 250, 100])
  })

  test('with onConflict=replace a taken id is no fault, and an impossible one still is', async () => {
    const name = await newCollection()
    await importInto(name, '{"id":"a","n":1,"m":1}')
    const { body } = await importInto(
      name,
      '{"id":"a","n":2}\n{"id":"nul\\u0000"}\n{"id":7}\n{"n":3}',
      '?onConflict=replace',
    )
    expect([body.imported, body.errors.map(({ line }: { line: number }) => line)]).toEqual([2, [2, 3]])
    const { a, version } = (await documentsOf(project, name).get('a')).body
    expect([a, version]).toEqual([undefined, 2])
    expect((await documentsOf(project, name).get('a')).body).toMatchObject({ n: 2 })
    expect((await importInto(name, '', '?onConflict=skip')).status).toBe(400)
  })

  test('of more than a document’s size are skipped, and the connection stays good', async () => {
    const name = await newCollection()
    const long = 'x'.repeat(3_000_000)
    const { status, body } = await importInto(name, `{"n":1}\n{"text":"${long}"}\n{"n":2}\n${long}`)
    expect([status, body.imported]).toEqual([200, 2])
    expect(body.errors).toMatchObject([
      { line: 2, code: 'payload_too_large' },
      { line: 4, code: 'payload_too_large' },
    ])
    expect((await importInto(name, '{"n":3}')).body.imported).toBe(1)
  })

  test('an import that can not go on is broken off with an answer', async () => {
    const name = await newCollection()
    const removed = new Promise<unknown>((resolve) => {
      setTimeout(() => resolve(project.call('DELETE', `/collections/${name}`)), 30)
    })
    const lines = Array.from({ length: 20_000 }, (_, n) => `{"n":${n}}`).join('\n')
    const { status, body } = await importInto(name, lines)
    await removed
    expect([status, body.imported + body.failed]).toEqual([200, 20_000])
    expect(body.errors.every(({ code }: { code: string }) => code === 'not_found')).toBe(true)
  })
})

test('neither is for publishable keys, nor for keys without the scope', async () => {
  const name = await newCollection({ rules: { create: 'true', list: 'true', read: 'true' } })
  expect([401, 403]).toContain((await importInto(name, '{}', '', project.publishable)).status)
  expect([401, 403]).toContain((await exportFrom(name, project.publishable)).status)
  expect((await documentsOf(project, name).list({ count: 'true' })).body.count).toBe(0)
})

test('an unknown collection is 404, another content type 415 or 400', async () => {
  expect((await importInto('nothing', '{}')).status).toBe(404)
  expect((await exportFrom('nothing')).status).toBe(404)
  const json = await project.call('POST', `/collections/${await newCollection()}/documents/import`, {
    body: '{}',
  })
  expect([400, 415]).toContain(json.status)
})

test('clients that go away midway do no harm', async () => {
  const name = await newCollection()
  const upload = request(`${server.url}/v1/projects/${project.ref}/collections/${name}/documents/import`, {
    method: 'POST',
    headers: { ...ndjson, authorization: `Bearer ${project.secret}` },
  })
  upload.on('error', () => {})
  upload.write('{"id":"whole"}\n{"id":"ha')
  await expect.poll(async () => (await documentsOf(project, name).get('whole')).status).toBe(200)
  upload.destroy()
  await sleep(50)
  expect((await documentsOf(project, name).list({ count: 'true' })).body.count).toBe(1)

  await importInto(
    name,
    Array.from({ length: 5_000 }, (_, n) => `{"n":${n},"text":"${'x'.repeat(200)}"}`).join('\n'),
  )
  for (let n = 0; n < 10; n++) {
    const download = request(
      `${server.url}/v1/projects/${project.ref}/collections/${name}/documents/export`,
      {
        headers: { authorization: `Bearer ${project.secret}` },
      },
    )
    download.on('error', () => {})
    download.end()
    const [response] = await once(download, 'response')
    await once(response, 'data')
    download.destroy()
  }
  const { db } = server.services
  await expect.poll(() => db.totalCount - db.idleCount, { timeout: 5_000 }).toBe(0)
  expect((await (await exportFrom(name)).text()).trimEnd().split('\n')).toHaveLength(5_001)
})

test('fifty thousand documents go in and out without filling the memory', async () => {
  const name = await newCollection()
  const count = 50_000
  const filler = 'x'.repeat(900)
  function* lines() {
    for (let n = 0; n < count; n += 100) {
      yield Array.from({ length: 100 }, (_, m) => `{"n":${n + m},"text":"${filler}"}\n`).join('')
    }
  }
  let most = 0
  const before = process.memoryUsage().rss
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss - before)), 50)
  try {
    const upload = request(`${server.url}/v1/projects/${project.ref}/collections/${name}/documents/import`, {
      method: 'POST',
      headers: { ...ndjson, authorization: `Bearer ${project.secret}` },
    })
    Readable.from(lines()).pipe(upload)
    const [response] = await once(upload, 'response')
    let answer = ''
    for await (const chunk of response) answer += String(chunk)
    expect(JSON.parse(answer)).toEqual({
      imported: count,
      failed: 0,
      errors: [],
    })
    let bytes = 0
    const exported = await exportFrom(name)
    for await (const chunk of exported.body ?? []) bytes += chunk.length
    expect(bytes).toBeGreaterThan(count * 900)
  } finally {
    clearInterval(watch)
  }
  // The documents are 50 MB as text; the client's side is counted too.
  expect(most / 1_048_576).toBeLessThan(250)
}, 60_000)
