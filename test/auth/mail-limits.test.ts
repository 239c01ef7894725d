import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer({
    BASALT_RATE_LIMITS: 'on',
    BASALT_LIMIT_MAILS_BY_PROJECT: '8',
    BASALT_LIMIT_REQUESTS_BY_ADDRESS: '1000',
  })
  project = await server.createProject()
})

afterAll(() => server.stop())

const post = (path: string, body: object, there = project) =>
  there.call('POST', `/auth${path}`, { as: there.publishable, body })

/** As if everything so far had happened a minute earlier. */
const waitAMinute = () =>
  server.services.db.query(
    `UPDATE basalt.rate_usage SET window_start = window_start - 61 WHERE key LIKE 'spaced %'`,
  )

test('between two mails to one address there is a minute, whether it is known or not, in any letter case', async () => {
  const email = 'known@example.com'
  await post('/sign-up', { email, password: 'a rather long phrase' })
  await waitAMinute()
  for (const who of [email, 'unknown@example.com']) {
    expect((await post('/password/reset', { email: who })).status).toBe(202)
    const second = await post('/password/reset', { email: who.toUpperCase() })
    expect([second.status, second.body.code]).toEqual([429, 'rate_limited'])
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(50)
    // Another purpose is no other limit.
    expect((await post('/sign-in/otp', { email: who })).status).toBe(429)
  }
})

test('of parallel requests one is let through', async () => {
  const all = await Promise.all(
    Array.from({ length: 10 }, () => post('/password/reset', { email: 'parallel@example.com' })),
  )
  const passed = all.filter(({ status }) => status === 202).length
  expect(passed).toBe(1)
})

test('an address gets five an hour', async () => {
  const email = 'often@example.com'
  const statuses: number[] = []
  for (let times = 0; times < 6; times += 1) {
    statuses.push((await post('/password/reset', { email })).status)
    await waitAMinute()
  }
  expect(statuses).toEqual([202, 202, 202, 202, 202, 429])
})

test('beyond what a project sends in an hour nothing is sent, and the answer tells nobody', async () => {
  const busy = await server.createProject()
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      post('/sign-in/otp', { email: `user${index}@example.com` }, busy),
    ),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
  const count = async () => (await busy.call('GET', '/auth/mails')).body.mails.length
  await expect.poll(count, { timeout: 5_000 }).toBe(8)
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(await count()).toBe(8)
})
