import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject
const ada = { email: 'Ada@Example.com', password: 'a rather long phrase' }

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
})

afterAll(() => server.stop())

const post = (path: string, body?: object, as = project.publishable) =>
  project.call('POST', `/auth${path}`, { as, body })

test('who signs up is signed in, and rules see who they are', async () => {
  const { status, body } = await post('/sign-up', ada)
  expect(status).toBe(201)
  expect(body.user).toMatchObject({ email: 'ada@example.com', isAnonymous: false })
  await project.defineCollection('notes', { rules: { create: 'doc.owner == auth.uid' } })
  const mine = { owner: body.user.id }
  const create = (as: string, document: object) =>
    project.call('POST', '/collections/notes/documents', { as, body: document })
  expect((await create(body.accessToken, mine)).status).toBe(201)
  expect((await create(body.accessToken, { owner: 'else' })).status).toBe(403)
})

test('an address signs up once; a wrong password and an unknown address get the same answer', async () => {
  expect((await post('/sign-up', ada)).status).toBe(409)
  const wrong = await post('/sign-in', { ...ada, password: 'something else' })
  const unknown = await post('/sign-in', { ...ada, email: 'nobody@example.com' })
  expect(wrong.status).toBe(401)
  const { requestId: a, ...first } = wrong.body
  const { requestId: b, ...second } = unknown.body
  expect(a).not.toBe(b)
  expect(first).toEqual(second)
})

test('a refresh token is exchanged once; its ancestor ends the session', async () => {
  const { body: first } = await post('/sign-in', ada)
  const { body: second } = await post('/token', { refreshToken: first.refreshToken })
  const { body: third } = await post('/token', { refreshToken: second.refreshToken })
  expect(third.refreshToken).not.toBe(second.refreshToken)
  expect((await post('/token', { refreshToken: first.refreshToken })).status).toBe(401)
  expect((await post('/token', { refreshToken: third.refreshToken })).status).toBe(401)
  expect((await project.call('GET', '/auth/sessions', { as: third.accessToken })).status).toBe(401)
})

test('ten tabs that refresh at once stay signed in', async () => {
  const { body: first } = await post('/sign-in', ada)
  const tabs = await Promise.all(
    Array.from({ length: 10 }, () => post('/token', { refreshToken: first.refreshToken })),
  )
  expect(tabs.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
  expect(new Set(tabs.map(({ body }) => body.refreshToken)).size).toBe(1)
})
