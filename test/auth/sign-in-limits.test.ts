import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject
const password = 'a rather long phrase'

beforeAll(async () => {
  server = await startTestServer({
    BASALT_RATE_LIMITS: 'on',
    BASALT_LIMIT_REQUESTS_BY_ADDRESS: '1000',
    BASALT_TRUSTED_PROXIES: '127.0.0.1',
  })
  project = await server.createProject()
  const body = { email: 'ada@example.com', isEmailVerified: true, password }
  expect((await project.call('POST', '/users', { body })).status).toBe(201)
})

afterAll(() => server.stop())

/** As a proxy in front of the server passes it on. */
function signIn(email: string, from: string, guess = 'something else') {
  return project.call('POST', '/auth/sign-in', {
    as: project.publishable,
    body: { email, password: guess },
    headers: { 'x-forwarded-for': from },
  })
}

test('of one address ten guesses at an account are heard, however they are written or sent together', async () => {
  const spellings = ['ada@example.com', 'ADA@example.com', ' Ada@Example.com'.trim(), 'ada@EXAMPLE.COM']
  const guesses = await Promise.all(
    Array.from({ length: 16 }, (_, index) => signIn(spellings[index % spellings.length]!, '192.0.2.1')),
  )
  expect(guesses.filter(({ status }) => status === 401)).toHaveLength(10)
  const refused = guesses.filter(({ status }) => status === 429)
  expect(refused).toHaveLength(6)
  for (const { headers, body } of refused) {
    expect(body.code).toBe('rate_limited')
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  }
  expect((await signIn('ada@example.com', '192.0.2.1', password)).status).toBe(429)
})

test('a burst of sign-ins is heard as far as there is room; the rest is told when to come again', async () => {
  const quiet = await startTestServer()
  const project = await quiet.createProject()
  const body = { email: 'ada@example.com', password: 'a rather long phrase' }
  const post = (path: string) => project.call('POST', `/auth${path}`, { as: project.publishable, body })
  expect((await post('/sign-up')).status).toBe(201)
  const answers = await Promise.all(Array.from({ length: 150 }, () => post('/sign-in')))
  const [heard, refused] = [200, 503].map((status) => answers.filter((each) => each.status === status))
  expect((heard?.length ?? 0) + (refused?.length ?? 0)).toBe(150)
  expect(heard?.length).toBeGreaterThan(0)
  expect(refused?.length).toBeGreaterThan(0)
  for (const { body: problem, headers } of refused ?? []) {
    expect(problem.code).toBe('unavailable')
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  }
  expect((await post('/sign-in')).status).toBe(200)
  await quiet.stop()
})

test('an account is never locked for others', async () => {
  expect((await signIn('ada@example.com', '192.0.2.2', password)).status).toBe(200)
})
