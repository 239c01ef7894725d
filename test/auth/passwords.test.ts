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

/** A session whose refresh token was exchanged so often; the first token first. */
async function familyOf(generations: number): Promise<{ tokens: string[]; accessToken: string }> {
  let { body } = await post('/sign-in', ada)
  const tokens: string[] = [body.refreshToken]
  while (tokens.length < generations) {
    body = (await post('/token', { refreshToken: tokens.at(-1) })).body
    tokens.push(body.refreshToken)
  }
  return { tokens, accessToken: body.accessToken }
}

/** As eleven seconds later. */
const letGracePass = () =>
  server.services.db.query(`UPDATE basalt.user_sessions SET rotated_at = rotated_at - interval '11 seconds'`)

test.each([0, 1, 2, 3, 4])('replaying ancestor %i of six ends the whole family', async (ancestor) => {
  const { tokens, accessToken } = await familyOf(6)
  await letGracePass()
  expect((await post('/token', { refreshToken: tokens[ancestor] })).status).toBe(401)
  for (const refreshToken of tokens) expect((await post('/token', { refreshToken })).status).toBe(401)
  expect((await project.call('GET', '/auth/me', { as: accessToken })).status).toBe(401)
})

test('within ten seconds the token before gives the same successor, and ends nothing', async () => {
  const { tokens } = await familyOf(3)
  const again = await post('/token', { refreshToken: tokens[1] })
  expect([again.status, again.body.refreshToken]).toEqual([200, tokens[2]])
  await letGracePass()
  expect((await post('/token', { refreshToken: tokens[2] })).status).toBe(200)
})
