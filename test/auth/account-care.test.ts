import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeIn, linkIn, type MailServer, startMailServer } from '../support/mail-server.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

const password = 'my first long phrase'
const newPassword = 'my second long phrase'
let mail: MailServer
let server: TestServer
let project: TestProject

beforeAll(async () => {
  mail = await startMailServer()
  server = await startTestServer({ BASALT_SMTP_URL: mail.url, BASALT_MAIL_FROM: 'no-reply@basalt.example' })
  project = await server.createProject('Blog')
  await settings({
    links: { resetPassword: 'https://app.example.com/reset', verifyEmail: 'https://app.example.com/verify' },
  })
})

afterAll(async () => {
  await server.stop()
  await mail.close()
})

const post = (path: string, body?: object, as = project.publishable) =>
  project.call('POST', `/auth${path}`, { as, body })

async function settings(change: object): Promise<void> {
  const { status, body } = await project.call('PATCH', '/auth/settings', { body: { settings: change } })
  if (status !== 200) throw new Error(JSON.stringify(body))
}

/** Signs up and proves the address. */
async function signUp(email: string) {
  const { status, body } = await post('/sign-up', { email, password })
  expect(status).toBe(201)
  const verified = await post('/email/verify', { email, code: codeIn(await mail.take(email)) })
  expect(verified.status).toBe(204)
  return body
}

async function askForReset(email: string) {
  expect((await post('/password/reset', { email })).status).toBe(202)
  const received = await mail.take(email)
  return { code: codeIn(received), token: linkIn(received).searchParams.get('token')! }
}

test('a forgotten password is replaced once, by code or by link, and every session ends', async () => {
  const email = 'ada@example.com'
  const session = await signUp(email)
  const { code, token } = await askForReset(email)
  const uses = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      post('/password/confirm', {
        ...(index % 2 === 0 ? { token } : { email, code }),
        password: newPassword,
      }),
    ),
  )
  expect(uses.filter(({ status }) => status === 204)).toHaveLength(1)
  expect(uses.filter(({ body }) => body?.code === 'code_invalid')).toHaveLength(49)
  expect((await mail.take(email)).subject).toContain('was changed')
  expect((await project.call('GET', '/auth/sessions', { as: session.accessToken })).status).toBe(401)
  expect((await post('/token', { refreshToken: session.refreshToken })).status).toBe(401)
  expect((await post('/sign-in', { email, password })).status).toBe(401)
  expect((await post('/sign-in', { email, password: newPassword })).status).toBe(200)
})

test('a reset asks for a password that is long and not common, before the code is used up', async () => {
  const email = 'weak@example.com'
  await signUp(email)
  const { code } = await askForReset(email)
  for (const bad of ['short', 'password1', 'x'.repeat(129)]) {
    const { status, body } = await post('/password/confirm', { email, code, password: bad })
    expect([status, body.errors[0].path]).toEqual([400, 'password'])
  }
  expect((await post('/password/confirm', { email, code, password: newPassword })).status).toBe(204)
})

test('a reset by mail takes the account from somebody who never proved the address', async () => {
  const email = 'squatted@example.com'
  const squatter = (await post('/sign-up', { email, password })).body
  await mail.take(email)
  const { code } = await askForReset(email)
  expect((await post('/password/confirm', { email, code, password: newPassword })).status).toBe(204)
  expect((await post('/token', { refreshToken: squatter.refreshToken })).status).toBe(401)
  const { body } = await post('/sign-in', { email, password: newPassword })
  expect(body.user.isEmailVerified).toBe(true)
})

const answer = async (path: string, body: object) => {
  const { status, body: answered } = await post(path, body)
  const { requestId: _, ...rest } = answered ?? {}
  return { status, ...rest }
}

test('known and unknown addresses get the same answer', async () => {
  await signUp('known@example.com')
  await settings({ password: { enabled: true, requireVerifiedEmail: true } })
  for (const path of ['/password/reset', '/email/resend', '/sign-in/otp', '/sign-up']) {
    const body = path === '/sign-up' ? { password } : {}
    for (const email of ['known@example.com', `nobody-${path.length}@example.com`]) {
      expect(await answer(path, { ...body, email })).toEqual(
        path === '/sign-up' ? { status: 202, verificationRequired: true } : { status: 202, accepted: true },
      )
    }
  }
  await settings({ password: null })
})

test('where addresses must be verified, who signs up with a known one is told by mail alone', async () => {
  await settings({ password: { enabled: true, requireVerifiedEmail: true } })
  const email = 'twice@example.com'
  expect((await post('/sign-up', { email, password })).status).toBe(202)
  const first = await mail.take(email)
  expect((await post('/sign-in', { email, password })).status).toBe(403)
  expect((await post('/sign-up', { email, password: newPassword })).status).toBe(202)
  expect((await mail.take(email)).subject).toContain('already')
  const token = linkIn(first).searchParams.get('token')
  expect((await post('/email/verify', { token })).status).toBe(204)
  expect((await post('/sign-in', { email, password })).status).toBe(200)
  expect((await post('/sign-in', { email, password: newPassword })).status).toBe(401)
  await settings({ password: null })
})

test('a verification is sent again to those who need one only', async () => {
  const email = 'again@example.com'
  await post('/sign-up', { email, password })
  await mail.take(email)
  await post('/email/resend', { email })
  expect((await post('/email/verify', { email, code: codeIn(await mail.take(email)) })).status).toBe(204)
  const before = mail.mails.length
  await post('/email/resend', { email })
  await post('/email/resend', { email: 'nobody-at-all@example.com' })
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(mail.mails.slice(before).filter(({ recipients }) => recipients.includes(email))).toEqual([])
})

const patchMe = (as: string, body: object) => project.call('PATCH', '/auth/me', { as, body })

test('a password is changed by who knows the present one; other devices are signed out and the owner is told', async () => {
  const email = 'change@example.com'
  const here = await signUp(email)
  const there = (await post('/sign-in', { email, password })).body
  const wrong = await patchMe(here.accessToken, {
    password: newPassword,
    currentPassword: 'a wrong long phrase',
  })
  expect([wrong.status, wrong.body.errors[0].path]).toEqual([400, 'currentPassword'])
  expect((await patchMe(here.accessToken, { password: newPassword })).status).toBe(400)
  const changed = await patchMe(here.accessToken, { password: newPassword, currentPassword: password })
  expect(changed.status).toBe(200)
  expect((await mail.take(email)).subject).toContain('was changed')
  expect((await patchMe(here.accessToken, {})).status).toBe(200)
  expect((await patchMe(there.accessToken, {})).status).toBe(401)
  expect((await post('/token', { refreshToken: there.refreshToken })).status).toBe(401)
  expect((await post('/sign-in', { email, password })).status).toBe(401)
  expect((await post('/sign-in', { email, password: newPassword })).status).toBe(200)
})

test('an address changes when the new one is proven; the old one is told', async () => {
  const old = 'old@example.com'
  const email = 'new@example.com'
  const session = await signUp(old)
  const asked = await patchMe(session.accessToken, { email })
  expect([asked.status, asked.body.email]).toEqual([200, old])
  expect((await mail.take(old)).text).toContain(email)
  const code = codeIn(await mail.take(email))
  const uses = await Promise.all(Array.from({ length: 20 }, () => post('/email/verify', { email, code })))
  expect(uses.filter(({ status }) => status === 204)).toHaveLength(1)
  expect((await patchMe(session.accessToken, {})).body).toMatchObject({ email, isEmailVerified: true })
  expect((await post('/sign-in', { email: old, password })).status).toBe(401)
  expect((await post('/sign-in', { email, password })).status).toBe(200)
})

test('who asks for the address of somebody else gets the same answer, and not the address', async () => {
  const taken = 'taken@example.com'
  await signUp(taken)
  const session = await signUp('asks@example.com')
  const { status, body } = await patchMe(session.accessToken, { email: taken })
  expect([status, body.email]).toEqual([200, 'asks@example.com'])
  expect((await mail.take(taken)).subject).toContain('already')
})

test('a new address takes a fresh proof of who asks', async () => {
  const session = await signUp('stale@example.com')
  await server.services.db.query(
    `UPDATE basalt.user_sessions SET proven_at = now() - interval '6 minutes' WHERE user_id = $1`,
    [session.user.id],
  )
  server.services.bus.publish('auth-users', session.user.id)
  await expect
    .poll(async () => (await patchMe(session.accessToken, { email: 'thief@example.com' })).body.code)
    .toBe('step_up_required')
})

test('the code for an address that was left does not bring it back', async () => {
  const left = 'left@example.com'
  const { body: session } = await post('/sign-up', { email: left, password })
  const code = codeIn(await mail.take(left))
  const email = 'moved@example.com'
  await patchMe(session.accessToken, { email })
  await mail.take(left)
  expect((await post('/email/verify', { email, code: codeIn(await mail.take(email)) })).status).toBe(204)
  expect((await post('/email/verify', { email: left, code })).body.code).toBe('code_invalid')
  expect((await patchMe(session.accessToken, {})).body.email).toBe(email)
})
