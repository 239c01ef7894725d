import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { trimChanges } from '../../src/changes/trim-changes.ts'
import { projectSchema } from '../../src/projects/project.ts'
import { documentsOf, type TestDocuments } from '../documents/documents-of.ts'
import { acceptTestUsers } from '../documents/sign-in-as.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
  acceptTestUsers(server)
})

afterAll(() => server.stop())

async function newProject(): Promise<{ project: TestProject; notes: TestDocuments }> {
  const project = await server.createProject()
  await project.defineCollection('notes', {
    rules: { create: 'true' },
    fields: { hidden: { read: 'false' } },
  })
  return { project, notes: documentsOf(project, 'notes') }
}

const read = (project: TestProject, query: string) => project.call('GET', `/changes?${query}`)
const forever = { days: 3650, megabytes: 1e6, rows: 1e9 }

test('a change tells who did what, with the document before and after', async () => {
  const { project, notes } = await newProject()
  const created = (await notes.create({ id: 'a', n: 1, hidden: 2 }, { as: 'user:ada' })).body
  await notes.create({ id: 'b' }, { as: project.publishable })
  const updated = (await notes.patch('a', { n: 2 }, { as: server.operator })).body
  await notes.remove('a')
  const { status, body } = await read(project, 'after=0')
  expect(status).toBe(200)
  expect([body.cursor, body.hasMore]).toEqual([4, false])
  const [first, second, third, fourth] = body.changes
  expect(first).toEqual({
    seq: 1,
    kind: 'create',
    at: created.createdAt,
    collection: 'notes',
    id: 'a',
    document: { ...created, hidden: 2 },
    before: null,
    actor: 'user:ada',
  })
  expect(second).toMatchObject({ seq: 2, kind: 'create', id: 'b', actor: 'anonymous' })
  expect(third).toMatchObject({
    seq: 3,
    kind: 'update',
    at: updated.updatedAt,
    document: updated,
    before: { ...created, hidden: 2 },
    actor: expect.stringMatching(/^operator:/),
  })
  expect(fourth).toMatchObject({
    seq: 4,
    kind: 'delete',
    id: 'a',
    document: null,
    before: updated,
    actor: expect.stringMatching(/^key:/),
  })
})

test('it is read in pages, from any number on', async () => {
  const { project, notes } = await newProject()
  for (let n = 0; n < 7; n++) await notes.create({ n })
  const seen: number[] = []
  for (let after = 2, hasMore = true; hasMore;) {
    const { body } = await read(project, `after=${after}&limit=2`)
    seen.push(...body.changes.map(({ seq }: { seq: number }) => seq))
    ;({ cursor: after, hasMore } = body)
  }
  expect(seen).toEqual([3, 4, 5, 6, 7])
  expect((await read(project, 'after=7')).body).toEqual({ changes: [], cursor: 7, hasMore: false })
  expect((await read(project, 'limit=500')).body.changes).toHaveLength(7)
})

test.each(['after=-1', 'after=x', 'after=1.5', 'limit=0', 'limit=501', 'before=1', 'after=1e300'])(
  '%s is refused',
  async (query) => {
    const { project } = await newProject()
    const { status, body } = await read(project, query)
    expect([status, body.code]).toEqual([400, 'invalid_request'])
  },
)

test('it is for secret keys and operators, not for users, since no rule judges it', async () => {
  const { project } = await newProject()
  for (const as of [project.publishable, 'user:ada']) {
    expect([401, 403]).toContain((await project.call('GET', '/changes', { as })).status)
  }
  expect((await project.call('GET', '/changes', { as: server.operator })).status).toBe(200)
})

test('what fails leaves no gap', async () => {
  const { project, notes } = await newProject()
  await notes.create({ id: 'a' })
  await Promise.all(Array.from({ length: 20 }, () => notes.create({ id: 'a' })))
  await notes.create({ id: 'b' })
  const { body } = await read(project, 'after=0')
  expect(body.changes.map(({ seq, id }: { seq: number; id: string }) => [seq, id])).toEqual([
    [1, 'a'],
    [2, 'b'],
  ])
})

describe('retention', () => {
  async function filled(count: number, data: object = {}) {
    const { project, notes } = await newProject()
    for (let n = 0; n < count; n++) await notes.create({ n, ...data })
    const found = await server.app.projects.byRef(project.ref)
    if (found === null) throw new Error('the project is not there')
    const schema = projectSchema(found)
    const trim = (retention: Partial<typeof forever>, now?: Date) =>
      trimChanges(server.services.db, schema, { ...forever, ...retention }, now)
    return { project, notes, trim, schema }
  }

  test('by number keeps the newest', async () => {
    const { project, notes, trim } = await filled(10)
    expect(await trim({ rows: 10 })).toBe(0)
    expect(await trim({ rows: 4 })).toBe(6)
    expect(await trim({ rows: 4 })).toBe(0)
    const { body } = await read(project, 'after=6')
    expect(body.changes.map(({ seq }: { seq: number }) => seq)).toEqual([7, 8, 9, 10])
    await notes.create({})
    expect((await read(project, 'after=10')).body.changes[0].seq).toBe(11)
    expect((await notes.list({ count: 'true' })).body.count).toBe(11)
  })

  test('a cursor from before is 410 cursor_expired', async () => {
    const { project, trim } = await filled(10)
    await trim({ rows: 4 })
    for (const after of [0, 5]) {
      const { status, body } = await read(project, `after=${after}`)
      expect([status, body.code]).toEqual([410, 'cursor_expired'])
    }
    expect((await read(project, 'after=6')).status).toBe(200)
  })

  test('by age drops what is older than the days', async () => {
    const { trim } = await filled(5)
    const hours = (count: number) => new Date(Date.now() + count * 3_600_000)
    expect(await trim({ days: 2 }, hours(47))).toBe(0)
    expect(await trim({ days: 2 }, hours(49))).toBe(5)
  })

  test('by size keeps about so much', async () => {
    // Random, or PostgreSQL would compress it.
    const text = Array.from({ length: 1_500 }, () => crypto.randomUUID()).join('')
    const { project, trim } = await filled(60, { text })
    expect(await trim({ megabytes: 100 })).toBe(0)
    const dropped = await trim({ megabytes: 1 })
    expect(dropped).toBeGreaterThan(20)
    expect(dropped).toBeLessThan(50)
    expect((await read(project, `after=${dropped}`)).body.changes).toHaveLength(60 - dropped)
  })

  test('works in batches, and a writer goes on meanwhile', async () => {
    const { project, trim, notes } = await filled(1)
    const lines = Array.from({ length: 12_000 }, (_, n) => `{"n":${n}}`).join('\n')
    await project.call('POST', '/collections/notes/documents/import', {
      body: lines,
      headers: { 'content-type': 'application/x-ndjson' },
    })
    const [dropped, ...answers] = await Promise.all([
      trim({ rows: 1 }),
      ...Array.from({ length: 20 }, (_, n) => notes.create({ n })),
    ])
    expect(dropped).toBeGreaterThanOrEqual(12_000)
    expect(answers.every(({ status }) => status === 201)).toBe(true)
    const cursor = 12_001 + 20
    expect((await read(project, `after=${cursor}`)).body).toEqual({ changes: [], cursor, hasMore: false })
  })
})
