import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { documentsOf } from './documents-of.ts'

let server: TestServer
let project: TestProject

const update = 'auth != null && before.owner == auth.uid && doc.votes >= before.votes'

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  await project.defineCollection('teams')
  await documentsOf(project, 'teams').create({ id: 'red', members: ['ada'] })
  await project.defineCollection('posts', {
    rules: { update, create: 'auth.uid in get("teams", doc.team).members', read: 'doc.public == true' },
  })
  await documentsOf(project, 'posts').create({ id: 'one', owner: 'ada', votes: 5, public: false })
})

afterAll(() => server.stop())

const explain = (body: object) => project.call('POST', '/collections/posts/rules/explain', { body })
const user = (uid: string) => ({ uid })

test('the part that refused is named with its place', async () => {
  for (const [actor, data, part] of [
    [null, { votes: 6 }, 'auth != null'],
    [user('bob'), { votes: 6 }, 'before.owner == auth.uid'],
    [user('ada'), { votes: 4 }, 'doc.votes >= before.votes'],
    [user('ada'), { votes: { $increment: -1 } }, 'doc.votes >= before.votes'],
  ] as const) {
    const { status, body } = await explain({ action: 'update', actor, id: 'one', data })
    expect([status, body.allowed, body.rule]).toEqual([200, false, update])
    expect(body.refusedBy).toMatchObject({ text: part, value: false, start: update.indexOf(part) })
    expect(update.slice(body.refusedBy.start, body.refusedBy.end)).toBe(part)
  }
})

test('what is allowed is refused by nothing, and nothing is changed', async () => {
  const { body } = await explain({ action: 'update', actor: user('ada'), id: 'one', data: { votes: 6 } })
  expect([body.allowed, body.refusedBy]).toEqual([true, null])
  expect(body.parts.map(({ text }: { text: string }) => text)).toContain('doc.votes >= before.votes')
  expect((await documentsOf(project, 'posts').get('one')).body).toMatchObject({ votes: 5, version: 1 })
})

test('rules that look at other documents are explained too', async () => {
  const data = { team: 'red' }
  expect((await explain({ action: 'create', actor: user('ada'), data })).body.allowed).toBe(true)
  expect((await explain({ action: 'create', actor: user('bob'), data })).body.allowed).toBe(false)
  expect((await explain({ action: 'create', actor: null, data: {} })).body.allowed).toBe(false)
})

test('an action without a rule is refused by its absence', async () => {
  const { body } = await explain({ action: 'delete', actor: user('ada'), id: 'one' })
  expect(body).toEqual({ allowed: false, rule: null, parts: [], refusedBy: null })
})

test.each([
  [{ action: 'read', actor: null, id: 'missing' }, 404],
  [{ action: 'read', actor: null, id: 'nul\0' }, 400],
  [{ action: 'peek', actor: null }, 400],
  [{ action: 'read' }, 400],
  [{ action: 'read', actor: { uid: 7 } }, 400],
  [{ action: 'create', actor: null, data: { _a: 1 } }, 400],
  [{ action: 'update', actor: null, id: 'one', data: { votes: { $nope: 1 } } }, 400],
])('%j is answered with %i', async (body, status) => {
  expect((await explain(body)).status).toBe(status)
})

test('it is for those who may read the settings', async () => {
  const body = { action: 'read', actor: null, id: 'one' }
  const path = '/collections/posts/rules/explain'
  expect([401, 403]).toContain((await project.call('POST', path, { body, as: project.publishable })).status)
})
