import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject
const password = 'a rather long phrase'

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
})

afterAll(() => server.stop())

const call = (method: string, path: string, as: string, body?: object) =>
  project.call(method, `/auth${path}`, { as, body })

const signUp = async (email: string) =>
  (await call('POST', '/sign-up', project.publishable, { email, password })).body

const signIn = (email: string, secret = password) =>
  call('POST', '/sign-in', project.publishable, { email, password: secret })

/** As an hour later. Written past the cache, which sees it within 5 seconds. */
async function letTimePass(userId: string, token: string): Promise<void> {
  await server.services.db.query(
    `UPDATE basalt.user_sessions SET proven_at = now() - interval '1 hour' WHERE user_id = $1`,
    [userId],
  )
  const isStale = async () => (await call('POST', '/factors/totp', token)).status
  await expect.poll(isStale, { timeout: 8_000, interval: 200 }).toBe(403)
}

test('users read themselves, and merge their profile', async () => {
  const { user, accessToken } = await signUp('ada@example.com')
  expect((await call('GET', '/me', accessToken)).body).toMatchObject({
    id: user.id,
    email: 'ada@example.com',
  })
  await call('PATCH', '/me', accessToken, {
    profile: { name: 'Ada', address: { city: 'London', zip: 'W1' } },
  })
  const { body } = await call('PATCH', '/me', accessToken, { profile: { address: { zip: null }, age: 36 } })
  expect(body.profile).toEqual({ name: 'Ada', address: { city: 'London' }, age: 36 })
  expect((await call('GET', '/me', accessToken)).body).toEqual(body)
})

test.each([
  { roles: ['admin'] },
  { claims: { plan: 'pro' } },
  { isEmailVerified: true },
  { suspended: false },
  { profile: 'text' },
  { profile: { a: 'x'.repeat(20_000) } },
  { profile: { a: 'half \ud800' } },
  { profile: { a: { constructor: 1 } } },
])('nobody sets what is not theirs, or can not be stored (%#)', async (body) => {
  const { accessToken } = (await signIn('ada@example.com')).body
  const before = await call('GET', '/me', accessToken)
  expect((await call('PATCH', '/me', accessToken, body)).status).toBe(400)
  expect((await call('GET', '/me', accessToken)).body).toEqual(before.body)
})

test('a profile at sign-up meets the same limits', async () => {
  const body = { email: 'big@example.com', password, profile: { a: 'x'.repeat(20_000) } }
  expect((await call('POST', '/sign-up', project.publishable, body)).status).toBe(400)
})

test('only users have a self', async () => {
  for (const as of [project.publishable, project.secret, server.operator]) {
    expect((await call('GET', '/me', as)).status).toBe(401)
  }
})

test('two patches at once both last', async () => {
  const { accessToken } = await signUp('twice@example.com')
  const fields = Array.from({ length: 10 }, (_, at) => `field${at}`)
  await Promise.all(fields.map((name) => call('PATCH', '/me', accessToken, { profile: { [name]: 1 } })))
  const { body } = await call('GET', '/me', accessToken)
  expect(Object.keys(body.profile).toSorted()).toEqual(fields)
})

test('a new password needs the present one, and signs the others out', async () => {
  const { accessToken } = await signUp('pat@example.com')
  const other = (await signIn('pat@example.com')).body
  const change = { password: 'another long phrase' }
  expect((await call('PATCH', '/me', accessToken, change)).status).toBe(400)
  const wrong = { ...change, currentPassword: 'something else' }
  expect((await call('PATCH', '/me', accessToken, wrong)).status).toBe(400)
  const right = { ...change, currentPassword: password }
  expect((await call('PATCH', '/me', accessToken, right)).status).toBe(200)
  expect((await call('GET', '/me', other.accessToken)).status).toBe(401)
  expect((await signIn('pat@example.com', change.password)).status).toBe(200)
  expect((await signIn('pat@example.com')).status).toBe(401)
})

test('an account is deleted on a fresh proof', async () => {
  const { user, accessToken, refreshToken } = await signUp('gone@example.com')
  expect((await call('DELETE', '/me', accessToken)).status).toBe(204)
  expect((await call('GET', '/me', accessToken)).status).toBe(401)
  expect((await call('POST', '/token', project.publishable, { refreshToken })).status).toBe(401)
  expect((await signIn('gone@example.com')).status).toBe(401)
  expect((await project.call('GET', `/users/${user.id}`)).status).toBe(404)
  const { body } = await project.call('GET', '/audit')
  expect(body.entries[0]).toMatchObject({ action: 'user.delete', target: user.id, actor: { kind: 'user' } })
})

test('later, or with a stolen token, it takes the password', async () => {
  const { user, accessToken } = await signUp('stay@example.com')
  await letTimePass(user.id, accessToken)
  expect((await call('DELETE', '/me', accessToken)).body.code).toBe('step_up_required')
  const change = await call('PATCH', '/me', accessToken, { email: 'eve@example.com' })
  expect(change.body.code).toBe('step_up_required')
  const wrong = await call('DELETE', '/me', accessToken, { password: 'something else' })
  expect(wrong.status).toBe(400)
  expect((await call('GET', '/me', accessToken)).status).toBe(200)
  expect((await call('DELETE', '/me', accessToken, { password })).status).toBe(204)
})

test('an export holds what is known of the user, and no secret', async () => {
  const { user, accessToken } = await signUp('copy@example.com')
  await project.call('PATCH', `/users/${user.id}`, { body: { roles: ['editor'] } })
  const { status, body } = await call('GET', '/me/export', accessToken)
  expect(status).toBe(200)
  expect(body).toMatchObject({
    user: { email: 'copy@example.com', roles: ['editor'] },
    sessions: [{ ip: '127.0.0.1' }],
    log: [{ action: 'user.change', actorKind: 'key', ip: null }],
  })
  expect(JSON.stringify(body)).not.toMatch(/argon2|hash|secret|rt_/i)
})

test('an anonymous user is given a name and keeps id and data', async () => {
  await project.defineCollection('drafts', {
    rules: { list: 'doc.owner == auth.uid', create: 'doc.owner == auth.uid' },
  })
  const { body: anonymous } = await call('POST', '/sign-in/anonymous', project.publishable)
  const documents = '/collections/drafts/documents'
  await project.call('POST', documents, { as: anonymous.accessToken, body: { owner: anonymous.user.id } })
  const credentials = { email: 'Named@Example.com', password }
  const upgraded = await call('POST', '/me/upgrade', anonymous.accessToken, credentials)
  expect(upgraded.body.user).toMatchObject({
    id: anonymous.user.id,
    email: 'named@example.com',
    isAnonymous: false,
  })
  const { body } = await signIn('named@example.com')
  expect(body.user.id).toBe(anonymous.user.id)
  const listed = await project.call('GET', documents, { as: body.accessToken })
  expect(listed.body.documents).toHaveLength(1)
  expect((await call('POST', '/me/upgrade', body.accessToken, credentials)).status).toBe(409)
})

test('an address that is taken is refused, and the user stays who they were', async () => {
  await signUp('owner@example.com')
  const { body: anonymous } = await call('POST', '/sign-in/anonymous', project.publishable)
  const credentials = { email: 'owner@example.com', password: 'my own long phrase' }
  const refused = await call('POST', '/me/upgrade', anonymous.accessToken, credentials)
  expect(refused.body).toMatchObject({ status: 409, errors: [{ path: 'email' }] })
  expect((await call('GET', '/me', anonymous.accessToken)).body).toMatchObject({
    email: null,
    isAnonymous: true,
  })
  expect((await signIn('owner@example.com', 'my own long phrase')).status).toBe(401)
})

test('where addresses must be verified an upgrade tells nobody whether the address is known', async () => {
  const strict = await server.createProject('Strict')
  const post = (path: string, as: string, body?: object) => strict.call('POST', `/auth${path}`, { as, body })
  await strict.call('POST', '/users', { body: { email: 'known@example.com', isEmailVerified: true } })
  await strict.call('PATCH', '/auth/settings', {
    body: { settings: { password: { enabled: true, requireVerifiedEmail: true } } },
  })
  const upgrade = async (email: string) => {
    const { body } = await post('/sign-in/anonymous', strict.publishable)
    const answer = await post('/me/upgrade', body.accessToken, { email, password })
    const self = await strict.call('GET', '/auth/me', { as: body.accessToken })
    const { id, createdAt, updatedAt, lastSignInAt, ...rest } = self.body
    expect([id, createdAt, updatedAt, lastSignInAt]).not.toContain(undefined)
    return { token: body.accessToken, uid: id, seen: { status: answer.status, body: answer.body, rest } }
  }
  const known = await upgrade('known@example.com')
  const unknown = await upgrade('unknown@example.com')
  expect(known.seen).toMatchObject({ status: 202, body: { verificationRequired: true } })
  expect(unknown.seen).toEqual(known.seen)
  const mails = async () => (await strict.call('GET', '/auth/mails')).body.mails
  await expect.poll(async () => (await mails()).length).toBe(2)
  const mail = (await mails()).find(
    ({ recipient }: { recipient: string }) => recipient === 'unknown@example.com',
  )
  const code = /\d{6}/.exec(mail.text)?.[0]
  const shown = { email: 'unknown@example.com', code }
  expect((await post('/email/verify', strict.publishable, shown)).status).toBe(204)
  const signedIn = await post('/sign-in', strict.publishable, { email: 'unknown@example.com', password })
  expect(signedIn.body.user).toMatchObject({ id: unknown.uid, isAnonymous: false, isEmailVerified: true })
})
