import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { documentsOf, faultsOf } from './documents-of.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
})

afterAll(() => server.stop())

const put = (name: string, definition: object) =>
  project.call('PUT', `/collections/${name}`, { body: definition })

describe('a unique index', () => {
  beforeAll(() =>
    project.defineCollection('members', {
      indexes: [
        { fields: ['mail'], unique: true },
        { fields: ['team.name', '-nick'], unique: true },
      ],
    }),
  )

  test('refuses a value that is taken, and names itself and its fields', async () => {
    const members = documentsOf(project, 'members')
    await members.create({ id: 'one', mail: 'a@b', team: { name: 't' }, nick: 'n' })
    await members.create({ id: 'two', mail: 'b@b' })
    const refused = await members.create({ mail: 'a@b' })
    expect([refused.status, refused.body.code, faultsOf(refused)]).toEqual([
      409,
      'already_exists',
      ['mail already_exists'],
    ])
    expect(refused.body.detail).toContain('mail')
    for (const answer of [
      await members.patch('two', { mail: 'a@b' }),
      await members.put('two', { mail: 'a@b' }),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([409, 'already_exists'])
    }
    const both = await members.patch('two', { team: { name: 't' }, nick: 'n' })
    expect([both.status, faultsOf(both)]).toEqual([409, ['team.name already_exists', 'nick already_exists']])
    expect((await members.patch('two', { team: { name: 't' }, nick: 'm' })).status).toBe(200)
    expect((await members.get('two')).body).toMatchObject({ mail: 'b@b', nick: 'm', version: 2 })
  })

  test('tells values of different types apart', async () => {
    const members = documentsOf(project, 'members')
    for (const mail of [1, '1', true, 'true', [1], { a: 1 }, 1.5, '']) {
      expect([mail, (await members.create({ mail })).status]).toEqual([mail, 201])
      expect([mail, (await members.create({ mail })).status]).toEqual([mail, 409])
    }
    expect((await members.create({ mail: 1.0 })).status).toBe(409)
  })

  test('does not concern documents that lack one of its fields', async () => {
    const members = documentsOf(project, 'members')
    for (const data of [{}, { mail: null }, { team: { name: 'x' } }, { team: 'x', nick: 'q' }]) {
      expect((await members.create(data)).status).toBe(201)
      expect((await members.create(data)).status).toBe(201)
    }
  })

  test('lets exactly one of many parallel writes have a value', async () => {
    const members = documentsOf(project, 'members')
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => members.create({ mail: 'wanted', n })),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(39)
  })

  test('on documents that break it is refused, and the old declaration stays', async () => {
    await put('dirty', { rules: { read: 'true' }, indexes: [{ fields: ['a'] }] })
    const dirty = documentsOf(project, 'dirty')
    await dirty.create({ a: 1, b: 1 })
    await dirty.create({ a: 2, b: 1 })
    const before = (await project.call('GET', '/collections/dirty')).body
    const refused = await put('dirty', {
      indexes: [
        { fields: ['a'], unique: true },
        { fields: ['b'], unique: true },
      ],
    })
    expect([refused.status, refused.body.code, faultsOf(refused)]).toEqual([
      409,
      'already_exists',
      ['b already_exists'],
    ])
    expect((await project.call('GET', '/collections/dirty')).body).toEqual(before)
    const { rows } = await server.services.db.query(
      `SELECT indexname FROM pg_indexes WHERE tablename = 'dirty' AND indexname NOT LIKE '%_pkey'`,
    )
    expect(rows).toHaveLength(1)
    expect((await dirty.create({ a: 1, b: 1 })).status).toBe(201)
  })
})

describe('values that are too long for an index', () => {
  // Random, or PostgreSQL would compress them.
  const long = Array.from({ length: 400 }, () => crypto.randomUUID()).join('')

  test('are refused with 422 where they come in alone', async () => {
    await project.defineCollection('longs', { indexes: [{ fields: ['a'] }] })
    const longs = documentsOf(project, 'longs')
    for (const answer of [await longs.create({ a: long }), await longs.put('x', { a: long })]) {
      expect([answer.status, faultsOf(answer)]).toEqual([422, ['a too_long']])
    }
    expect((await longs.create({ b: long })).status).toBe(201)
  })

  test('don’t hurt those that are written with them', async () => {
    const longs = documentsOf(project, 'longs')
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => longs.create({ a: n === 7 ? long : n })),
    )
    expect(answers.map(({ status }) => status)).toEqual(answers.map((_, n) => (n === 7 ? 422 : 201)))
  })

  test('are refused when the index comes later', async () => {
    await put('later', {})
    const later = documentsOf(project, 'later')
    await later.create({ a: long })
    const refused = await put('later', { indexes: [{ fields: ['a'], unique: true }] })
    expect([refused.status, faultsOf(refused)]).toEqual([422, ['a too_long']])
  })

  test('full text takes a document of any size', async () => {
    await project.defineCollection('texts', { indexes: [{ type: 'search', fields: ['text'] }] })
    const texts = documentsOf(project, 'texts')
    const words = Array.from({ length: 110_000 }, (_, n) => n.toString(36) + 'q').join(' ')
    for (const text of [words, 'a'.repeat(1_000_000), long]) {
      expect((await texts.create({ text: text.slice(0, 1_000_000) })).status).toBe(201)
    }
  })
})

test('an index is built while others write', async () => {
  await put('busy', {})
  const busy = documentsOf(project, 'busy')
  const lines = Array.from({ length: 50_000 }, (_, n) => `{"n":${n},"s":"${n % 100}"}`).join('\n')
  const imported = await project.call('POST', '/collections/busy/documents/import', {
    body: lines,
    headers: { 'content-type': 'application/x-ndjson' },
  })
  expect(imported.body).toEqual({ imported: 50_000, failed: 0, errors: [] })

  let isBuilding = true
  const building = put('busy', { indexes: [{ fields: ['s', '-n'] }, { fields: ['n'], unique: true }] })
  void building.finally(() => (isBuilding = false))
  let written = 0
  let slowest = 0
  while (isBuilding) {
    const started = performance.now()
    expect((await busy.create({ n: 100_000 + written, s: 'new' })).status).toBe(201)
    slowest = Math.max(slowest, performance.now() - started)
    written += 1
  }
  expect((await building).status).toBe(200)
  expect(written).toBeGreaterThan(5)
  expect(slowest).toBeLessThan(1_500)
  expect((await busy.create({ n: 100_000 })).status).toBe(409)
  const { body } = await busy.query({ where: { s: 'new' }, sort: '-n', limit: 1, count: true })
  expect([body.documents[0].n, body.count]).toEqual([100_000 + written - 1, written])
}, 60_000)
