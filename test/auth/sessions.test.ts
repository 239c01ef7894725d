import { afterAll, beforeAll, expect, test } from 'vitest'
import { trimSessions } from '../../src/auth/sessions/trim-sessions.ts'
import { startOn, startTestServer, type TestProject, type TestServer } from '../support/server.ts'

/** How long a session lasts, and how its user sees and ends it. */

let server: TestServer
let second: TestServer
let project: TestProject
let number = 0
const password = 'a rather long phrase'
const hour = 3_600
const day = 24 * hour

beforeAll(async () => {
  server = await startTestServer()
  second = await startOn(server.services.config.databaseUrl ?? '')
  project = await server.createProject()
  const sessions = { idleDays: 2, absoluteDays: 5 }
  expect((await project.call('PATCH', '/auth/settings', { body: { settings: { sessions } } })).status).toBe(
    200,
  )
})

afterAll(async () => {
  await second.stop()
  await server.stop()
})

interface SignedIn {
  user: { id: string; email: string }
  accessToken: string
  refreshToken: string
}

async function signUp(): Promise<SignedIn> {
  const body = { email: `someone${number++}@example.com`, password }
  return (await project.call('POST', '/auth/sign-up', { as: project.publishable, body })).body
}

async function signIn({ user }: SignedIn, headers: Record<string, string> = {}): Promise<SignedIn> {
  const body = { email: user.email, password }
  return (await project.call('POST', '/auth/sign-in', { as: project.publishable, body, headers })).body
}

const refresh = ({ refreshToken }: SignedIn) =>
  project.call('POST', '/auth/token', { as: project.publishable, body: { refreshToken } })

const as = ({ accessToken }: SignedIn, method: string, path: string, body?: object) =>
  project.call(method, path, { as: accessToken, body })

const sidOf = ({ accessToken }: SignedIn): string =>
  JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()).sid

/** As if the user's sessions were so much older, and everything in them with them. */
async function letPass({ user }: SignedIn, seconds: number): Promise<void> {
  const back = `- make_interval(secs => $2)`
  await server.services.db.query(
    `UPDATE basalt.user_sessions
     SET created_at = created_at ${back}, last_used_at = last_used_at ${back}, rotated_at = rotated_at ${back},
       idle_at = idle_at ${back}, expires_at = expires_at ${back}
     WHERE user_id = $1`,
    [user.id, seconds],
  )
}

/** What a node says to the access token, which says of itself that it is good for a quarter of an hour. */
const statusAt = (node: TestServer, { accessToken }: SignedIn) =>
  node.call('GET', `/v1/projects/${project.ref}/auth/me`, { as: accessToken }).then(({ status }) => status)

async function expectOver(session: SignedIn): Promise<void> {
  for (const node of [server, second]) {
    await expect.poll(() => statusAt(node, session), { timeout: 5_000 }).toBe(401)
  }
  const refused = await refresh(session)
  expect([refused.status, refused.body.code]).toEqual([401, 'unauthenticated'])
  // Nor does asking wake it up.
  expect((await refresh(session)).status).toBe(401)
  expect(await statusAt(server, session)).toBe(401)
}

test('a session that is not refreshed for so many days is over: on every node, for both tokens', async () => {
  const session = await signUp()
  for (const node of [server, second]) expect(await statusAt(node, session)).toBe(200)
  await letPass(session, 2 * day + 1)
  await expectOver(session)
  const { body } = await project.call('GET', `/users/${session.user.id}/sessions`)
  expect(body.sessions).toEqual([])
})

test('whoever refreshes in time stays, and each time for so many days again; but not beyond the end', async () => {
  let session = await signUp()
  const first = sidOf(session)
  for (const passed of [2 * day - hour, 2 * day - hour]) {
    await letPass(session, passed)
    expect(await statusAt(server, session)).toBe(200)
    const { status, body } = await refresh(session)
    expect(status).toBe(200)
    session = body
  }
  expect(sidOf(session)).toBe(first)
  for (const node of [server, second]) expect(await statusAt(node, session)).toBe(200)
  // The fifth day since the sign-in, and no idle one.
  await letPass(session, day + 2 * hour + 1)
  await expectOver(session)
})

test('a grace for lost answers does not reach beyond the end either', async () => {
  const session = await signUp()
  expect((await refresh(session)).status).toBe(200)
  await server.services.db.query(
    `UPDATE basalt.user_sessions SET expires_at = now() - interval '1 second' WHERE user_id = $1`,
    [session.user.id],
  )
  expect((await refresh(session)).status).toBe(401)
})

test('sessions that are over are deleted, and no others', async () => {
  const [idle, ended, kept] = [await signUp(), await signUp(), await signUp()]
  await letPass(idle, 2 * day + 1)
  await letPass(ended, 5 * day + 1)
  await letPass(kept, 2 * day - hour)
  await trimSessions({ services: server.services })
  const { rows } = await server.services.db.query(
    'SELECT user_id FROM basalt.user_sessions WHERE user_id = ANY($1)',
    [[idle, ended, kept].map(({ user }) => user.id)],
  )
  expect(rows).toEqual([{ user_id: kept.user.id }])
  expect((await refresh(kept)).status).toBe(200)
})

test('devices are listed by name, the one used last first, and signed out one by one by their user alone', async () => {
  const laptop = await signUp()
  const phone = await signIn(laptop, { 'x-device-name': "Ada's phone", 'user-agent': 'App/1.0' })
  const tv = await signIn(laptop, { 'x-device-name': 'x'.repeat(300) })
  await letPass(laptop, hour)
  expect((await refresh(phone)).status).toBe(200)
  const { sessions } = (await as(laptop, 'GET', '/auth/sessions')).body
  expect(sessions).toHaveLength(3)
  expect(sessions[0]).toEqual({
    id: sidOf(phone),
    isCurrent: false,
    deviceName: "Ada's phone",
    userAgent: 'App/1.0',
    ip: '127.0.0.1',
    amr: ['pwd'],
    createdAt: expect.any(String),
    lastUsedAt: expect.any(String),
  })
  const named = new Map(sessions.map((each: { id: string }) => [each.id, each]))
  expect(named.get(sidOf(laptop))).toMatchObject({ isCurrent: true, deviceName: null })
  expect(named.get(sidOf(tv))).toMatchObject({ deviceName: 'x'.repeat(100) })

  const eve = await signUp()
  expect((await as(eve, 'DELETE', `/auth/sessions/${sidOf(phone)}`)).status).toBe(404)
  expect(await statusAt(server, phone)).toBe(200)
  expect((await as(laptop, 'DELETE', `/auth/sessions/${sidOf(phone)}`)).status).toBe(204)
  expect((await as(laptop, 'DELETE', `/auth/sessions/${sidOf(phone)}`)).status).toBe(404)
  await expectOver(phone)
  for (const other of [laptop, tv]) expect(await statusAt(server, other)).toBe(200)
})

test.each([
  ['this', [401, 200, 200]],
  ['others', [200, 401, 401]],
  ['all', [401, 401, 401]],
] as const)('signing out of %s', async (scope, expected) => {
  const here = await signUp()
  const devices = [here, await signIn(here), await signIn(here)]
  const stranger = await signUp()
  for (const device of devices) expect(await statusAt(second, device)).toBe(200)
  expect((await as(here, 'POST', '/auth/sign-out', { scope })).status).toBe(204)
  for (const [index, device] of devices.entries()) {
    if (expected[index] === 401) await expectOver(device)
    else expect([await statusAt(server, device), (await refresh(device)).status]).toEqual([200, 200])
  }
  expect(await statusAt(server, stranger)).toBe(200)
})
