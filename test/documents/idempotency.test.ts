import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { trimIdempotency } from '../../src/documents/trim-idempotency.ts'
import { projectSchema } from '../../src/projects/project.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { documentsOf, type TestDocuments } from './documents-of.ts'

let server: TestServer
let project: TestProject
let notes: TestDocuments
let uses = 0

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  await project.defineCollection('notes', {
    indexes: [{ fields: ['slug'], unique: true }],
    rules: { create: 'true', read: 'true' },
  })
  notes = documentsOf(project, 'notes')
})

afterAll(() => server.stop())
beforeEach(() => void uses++)

const key = (suffix = '') => ({ headers: { 'idempotency-key': `key-${uses}${suffix}` } })

async function seq(): Promise<number> {
  const { body } = await project.call('GET', '/changes?limit=500')
  return body.cursor
}

describe('the same key twice is one write and the same answer', () => {
  test('for a creation', async () => {
    const before = await seq()
    const first = await notes.create({ n: 1 }, key())
    const second = await notes.create({ n: 1 }, key())
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.body).toEqual(first.body)
    expect(second.headers.get('etag')).toBe('"1"')
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect((await seq()) - before).toBe(1)
  })

  test('for an update', async () => {
    const { id } = (await notes.create({ n: 0 })).body
    const answers = [
      await notes.patch(id, { n: { $increment: 1 } }, key()),
      await notes.patch(id, { n: { $increment: 1 } }, key()),
    ]
    await notes.patch(id, { n: { $increment: 10 } })
    answers.push(await notes.patch(id, { n: { $increment: 1 } }, key()))
    expect(answers.map(({ body }) => [body.n, body.version])).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
    expect((await notes.get(id)).body.n).toBe(11)
  })

  test('for an update with If-Match', async () => {
    const { id } = (await notes.create({ n: 0 })).body
    const options = { headers: { ...key().headers, 'if-match': '"1"' } }
    await notes.patch(id, { n: 1 }, options)
    expect((await notes.patch(id, { n: 1 }, options)).body.version).toBe(2)
  })

  test('for a replacement', async () => {
    await notes.put('replaced', { n: 1 }, key())
    const second = await notes.put('replaced', { n: 1 }, key())
    expect([second.status, second.body.version]).toEqual([201, 1])
  })

  test('for a deletion, even when the document is there anew', async () => {
    await notes.create({ id: 'gone', n: 1 })
    expect((await notes.remove('gone', key())).status).toBe(204)
    expect((await notes.remove('gone', key())).status).toBe(204)
    await notes.create({ id: 'gone', n: 2 })
    expect((await notes.remove('gone', key())).status).toBe(204)
    expect((await notes.get('gone')).body.n).toBe(2)
  })

  test('for a transaction', async () => {
    await notes.put('counter', { n: 0 })
    const body = {
      operations: [
        { op: 'update', collection: 'notes', id: 'counter', data: { n: { $increment: 1 } } },
        { op: 'create', collection: 'notes', data: { from: 'transaction' } },
      ],
    }
    const first = await project.call('POST', '/transactions', { body, ...key() })
    const second = await project.call('POST', '/transactions', { body, ...key() })
    expect(second.body).toEqual(first.body)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect((await notes.get('counter')).body.n).toBe(1)
  })
})

describe('fifty parallel uses are one write', () => {
  const fifty = <T>(run: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: 50 }, run))

  test('for a creation', async () => {
    const before = await seq()
    const answers = await fifty(() => notes.create({ n: 1 }, key()))
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1)
    expect((await seq()) - before).toBe(1)
  })

  test('for an update', async () => {
    const { id } = (await notes.create({ n: 0 })).body
    const answers = await fifty(() => notes.patch(id, { n: { $increment: 1 } }, key()))
    expect(answers.every(({ status, body }) => status === 200 && body.n === 1)).toBe(true)
    expect((await notes.get(id)).body.n).toBe(1)
  })

  test('for a deletion and a transaction', async () => {
    const { id } = (await notes.create({ n: 0 })).body
    const removals = await fifty(() => notes.remove(id, key('a')))
    expect(removals.every(({ status }) => status === 204)).toBe(true)
    const before = await seq()
    const body = { operations: [{ op: 'create', collection: 'notes', data: { n: 1 } }] }
    const answers = await fifty(() => project.call('POST', '/transactions', { body, ...key('b') }))
    expect(new Set(answers.map((answer) => JSON.stringify([answer.status, answer.body]))).size).toBe(1)
    expect((await seq()) - before).toBe(1)
  })
})

test('a key that was used for something else is a conflict', async () => {
  const { id } = (await notes.create({ n: 1 }, key())).body
  for (const answer of [
    await notes.create({ n: 2 }, key()),
    await notes.put(id, { n: 1 }, key()),
    await notes.patch(id, { n: 1 }, key()),
    await notes.remove(id, key()),
  ]) {
    expect([answer.status, answer.body.code]).toEqual([409, 'conflict'])
  }
  expect((await notes.get(id)).body).toMatchObject({ n: 1, version: 1 })
})

test('keys belong to whoever uses them', async () => {
  const mine = await notes.create({ n: 1 }, key())
  const theirs = await notes.create({ n: 1 }, { as: project.publishable, ...key() })
  expect([mine.status, theirs.status]).toEqual([201, 201])
  expect(theirs.body.id).not.toBe(mine.body.id)
})

test('a request that failed did not use its key', async () => {
  await notes.create({ slug: 'taken' })
  expect((await notes.create({ slug: 'taken' }, key())).status).toBe(409)
  expect((await notes.create({ slug: 'free' }, key())).status).toBe(201)
})

test('a key has 1 to 255 characters', async () => {
  expect((await notes.create({}, { headers: { 'idempotency-key': '' } })).status).toBe(400)
  expect((await notes.create({}, { headers: { 'idempotency-key': 'k'.repeat(256) } })).status).toBe(400)
  expect((await notes.create({}, { headers: { 'idempotency-key': 'k'.repeat(255) } })).status).toBe(201)
})

test('keys are forgotten after a day', async () => {
  const first = await notes.create({ n: 1 }, key())
  const found = await server.app.projects.byRef(project.ref)
  if (found === null) throw new Error('the project is not there')
  const schema = projectSchema(found)
  expect(await trimIdempotency(server.services.db, schema)).toBe(0)
  expect((await notes.create({ n: 1 }, key())).body.id).toBe(first.body.id)
  expect(
    await trimIdempotency(server.services.db, schema, new Date(Date.now() + 25 * 3_600_000)),
  ).toBeGreaterThan(0)
  expect((await notes.create({ n: 1 }, key())).body.id).not.toBe(first.body.id)
})
