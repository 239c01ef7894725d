import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject
let number = 0
const password = 'a rather long phrase'

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
})

afterAll(() => server.stop())

const call = (method: string, path: string, as: string, body?: object) =>
  project.call(method, `/auth${path}`, { as, body })

async function signUp(): Promise<{ email: string; token: string; id: string }> {
  const email = `user${number++}@example.com`
  const { body } = await call('POST', '/sign-up', project.publishable, { email, password })
  return { email, token: body.accessToken, id: body.user.id }
}

const signIn = async (email: string) =>
  (await call('POST', '/sign-in', project.publishable, { email, password })).body

function codeOf(secret: string, stepsAway = 0): string {
  const totp = new TOTP({ secret: Secret.fromBase32(secret) })
  return totp.generate({ timestamp: Date.now() + stepsAway * 30_000 })
}

/** A user with a confirmed authenticator app; its next code that was not used yet is `codeOf(secret, 1)`. */
async function signUpWithApp() {
  const user = await signUp()
  const { body: enrolled } = await call('POST', '/factors/totp', user.token)
  const confirmed = await call('POST', `/factors/${enrolled.id}/confirm`, user.token, {
    code: codeOf(enrolled.secret),
  })
  expect(confirmed.status).toBe(200)
  return { ...user, factorId: enrolled.id, secret: enrolled.secret, recovery: confirmed.body.recoveryCodes }
}

/** As when the user had proven themselves an hour ago. */
async function letTimePass(userId: string, token: string): Promise<void> {
  await server.services.db.query(
    `UPDATE basalt.user_sessions SET proven_at = now() - interval '1 hour' WHERE user_id = $1`,
    [userId],
  )
  await server.services.db.query(`SELECT pg_notify('basalt', $1)`, [
    JSON.stringify({ from: 'test', messages: [['auth-users', userId]] }),
  ])
  await expect
    .poll(async () => (await call('POST', '/factors/recovery-codes', token)).body.code)
    .toBe('step_up_required')
}

test('an authenticator app is set up by its first code, and asked for from then on', async () => {
  const { email, token, id, secret, recovery } = await signUpWithApp()
  expect(recovery).toHaveLength(10)
  expect((await call('GET', '/factors', token)).body).toMatchObject({
    factors: [{ kind: 'totp', isConfirmed: true }],
    recoveryCodesLeft: 10,
  })
  const session = await signIn(email)
  expect(session.factorRequired).toBe(true)
  expect((await call('GET', '/sessions', session.accessToken)).body.code).toBe('second_factor_required')
  const documents = '/collections/notes/documents'
  await project.defineCollection('notes', { rules: { list: 'auth.assurance == 2' } })
  const owing = await project.call('GET', documents, { as: session.accessToken })
  expect(owing.body.code).toBe('second_factor_required')
  const verified = await call('POST', '/factors/verify', session.accessToken, { code: codeOf(secret, 1) })
  expect(verified.body).toMatchObject({ factorRequired: false, user: { id } })
  expect(claimsOf(verified.body.accessToken)).toMatchObject({ aal: 2, amr: ['pwd', 'otp', 'mfa'] })
  expect((await project.call('GET', documents, { as: verified.body.accessToken })).status).toBe(200)
})

test('the other sessions of a user who sets up a factor owe it too', async () => {
  const { email, token } = await signUp()
  const other = await signIn(email)
  expect((await call('GET', '/sessions', other.accessToken)).status).toBe(200)
  const { body } = await call('POST', '/factors/totp', token)
  await call('POST', `/factors/${body.id}/confirm`, token, { code: codeOf(body.secret) })
  expect((await call('GET', '/sessions', other.accessToken)).status).toBe(403)
})

test('a code works once, however many try at the same time', async () => {
  const { email, secret } = await signUpWithApp()
  const session = await signIn(email)
  const code = codeOf(secret, 1)
  const tries = await Promise.all(
    Array.from({ length: 50 }, () => call('POST', '/factors/verify', session.accessToken, { code })),
  )
  expect(tries.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(new Set(tries.filter(({ status }) => status !== 200).map(({ body }) => body.code))).toEqual(
    new Set(['code_invalid']),
  )
})

test('a recovery code works once, however many try at the same time', async () => {
  const { email, recovery } = await signUpWithApp()
  const session = await signIn(email)
  const code = recovery[3].toUpperCase().replace('-', ' ')
  const tries = await Promise.all(
    Array.from({ length: 50 }, () => call('POST', '/factors/verify', session.accessToken, { code })),
  )
  expect(tries.filter(({ status }) => status === 200)).toHaveLength(1)
  expect((await call('GET', '/factors', session.accessToken)).body.recoveryCodesLeft).toBe(9)
})

test('codes of the confirmation, of long ago, and of somebody else are refused', async () => {
  const ada = await signUpWithApp()
  const eve = await signUpWithApp()
  const { accessToken } = await signIn(ada.email)
  for (const code of [codeOf(ada.secret), codeOf(ada.secret, -3), codeOf(eve.secret, 1), eve.recovery[0]]) {
    expect((await call('POST', '/factors/verify', accessToken, { code })).body.code).toBe('code_invalid')
  }
})

test('who knows only the password can neither add a factor nor remove one', async () => {
  const { email, factorId } = await signUpWithApp()
  const { accessToken } = await signIn(email)
  const statuses = [
    await call('POST', '/factors/totp', accessToken),
    await call('DELETE', `/factors/${factorId}`, accessToken),
    await call('POST', '/factors/recovery-codes', accessToken),
    await call('POST', '/step-up', accessToken, { password }),
  ].map(({ body }) => body.code)
  expect(statuses).toEqual(Array.from({ length: 4 }, () => 'second_factor_required'))
})

test('a factor that was begun before the second one existed can not be confirmed past it', async () => {
  const { email, token } = await signUp()
  const early = await signIn(email)
  const { body: begun } = await call('POST', '/factors/totp', token)
  await call('POST', `/factors/${begun.id}/confirm`, token, { code: codeOf(begun.secret) })
  const next = await call('POST', `/factors/${begun.id}/confirm`, early.accessToken, {
    code: codeOf(begun.secret, 1),
  })
  expect(next.body.code).toBe('second_factor_required')
})

test('sensitive calls ask for a fresh proof; a password gives it where there is no factor', async () => {
  const { token, id } = await signUp()
  await letTimePass(id, token)
  expect((await call('POST', '/factors/totp', token)).body.code).toBe('step_up_required')
  const wrong = await call('POST', '/step-up', token, { password: 'something else' })
  expect(wrong.body).toMatchObject({ status: 400, errors: [{ path: 'password', code: 'wrong_password' }] })
  expect((await call('POST', '/step-up', token, { password })).status).toBe(200)
  expect((await call('POST', '/factors/totp', token)).status).toBe(201)
})

test('with a factor only its code is a fresh proof; removing the last app ends the asking', async () => {
  const { email, token, id, secret, factorId } = await signUpWithApp()
  await letTimePass(id, token)
  expect((await call('DELETE', `/factors/${factorId}`, token)).body.code).toBe('step_up_required')
  expect((await call('POST', '/step-up', token, { password })).status).toBe(400)
  expect((await call('POST', '/step-up', token, { code: codeOf(secret, 1) })).status).toBe(200)
  expect((await call('DELETE', `/factors/${factorId}`, token)).status).toBe(204)
  expect((await signIn(email)).factorRequired).toBe(false)
  expect((await call('GET', '/factors', token)).body).toEqual({ factors: [], recoveryCodesLeft: 0 })
})

test('a project can ask everybody for a second factor', async () => {
  const strict = await server.createProject('Strict')
  await server.services.db.query(
    `INSERT INTO basalt.auth_settings (project_id, settings, updated_at)
     SELECT id, '{"secondFactor": "required"}', now() FROM basalt.projects WHERE ref = $1`,
    [strict.ref],
  )
  const post = (path: string, as: string, body?: object) => strict.call('POST', `/auth${path}`, { as, body })
  const { body } = await post('/sign-up', strict.publishable, { email: 'new@example.com', password })
  expect(body.factorRequired).toBe(true)
  const listed = await strict.call('GET', '/auth/sessions', { as: body.accessToken })
  expect(listed.body.code).toBe('second_factor_required')
  const { body: enrolled } = await post('/factors/totp', body.accessToken)
  await post(`/factors/${enrolled.id}/confirm`, body.accessToken, { code: codeOf(enrolled.secret) })
  expect((await strict.call('GET', '/auth/sessions', { as: body.accessToken })).status).toBe(200)
  expect((await post('/sign-in/anonymous', strict.publishable)).body.factorRequired).toBe(false)
})

test('guesses are limited', async () => {
  const limited = await startTestServer({ BASALT_RATE_LIMITS: 'on' })
  const own = await limited.createProject()
  const { body } = await own.call('POST', '/auth/sign-up', {
    as: own.publishable,
    body: { email: 'ada@example.com', password },
  })
  const guess = () =>
    own.call('POST', '/auth/factors/verify', { as: body.accessToken, body: { code: '000000' } })
  const answers = []
  for (let i = 0; i < 11; i++) answers.push((await guess()).status)
  expect(answers).toEqual([...Array.from({ length: 10 }, () => 400), 429])
  await limited.stop()
})

function claimsOf(token: string): object {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
