import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeIn, linkIn, type MailServer, startMailServer } from '../support/mail-server.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

const app = 'https://app.example.com/welcome'
let mail: MailServer
let server: TestServer
let project: TestProject

beforeAll(async () => {
  mail = await startMailServer()
  server = await startTestServer({
    BASALT_SMTP_URL: mail.url,
    BASALT_MAIL_FROM: 'Basalt <no-reply@basalt.example>',
    BASALT_PUBLIC_URL: 'https://api.basalt.example',
  })
  project = await server.createProject('Blog')
  await settings({ redirectUrls: [app] })
})

afterAll(async () => {
  await server.stop()
  await mail.close()
})

const post = (path: string, body?: object, headers: Record<string, string> = {}, as = project.publishable) =>
  project.call('POST', `/auth${path}`, { as, body, headers })

async function settings(change: object): Promise<void> {
  const { status, body } = await project.call('PATCH', '/auth/settings', { body: { settings: change } })
  if (status !== 200) throw new Error(JSON.stringify(body))
}

async function askForCode(email: string): Promise<string> {
  expect((await post('/sign-in/otp', { email })).status).toBe(202)
  return codeIn(await mail.take(email))
}

const wrongCode = (code: string): string => String((Number(code) + 1) % 1_000_000).padStart(6, '0')

test('a code by mail signs in; an unknown address becomes an account with a proven address', async () => {
  const code = await askForCode('ada@example.com')
  const { status, body } = await post('/verify', { email: 'Ada@Example.com', code })
  expect(status).toBe(200)
  expect(body.user).toMatchObject({ email: 'ada@example.com', isEmailVerified: true, isAnonymous: false })
  const again = await post('/verify', { email: 'ada@example.com', code: await askForCode('ada@example.com') })
  expect(again.body.user.id).toBe(body.user.id)
})

test('of fifty parallel uses of one code exactly one succeeds', async () => {
  const email = 'many@example.com'
  const code = await askForCode(email)
  const uses = await Promise.all(Array.from({ length: 50 }, () => post('/verify', { email, code })))
  expect(uses.filter(({ status }) => status === 200)).toHaveLength(1)
  const refused = uses.filter(({ status }) => status !== 200)
  expect(new Set(refused.map(({ status, body }) => `${status} ${body.code}`))).toEqual(
    new Set(['400 code_invalid']),
  )
})

test('five wrong guesses use a code up', async () => {
  const email = 'guessed@example.com'
  const code = await askForCode(email)
  const guesses = await Promise.all(
    Array.from({ length: 5 }, () => post('/verify', { email, code: wrongCode(code) })),
  )
  expect(guesses.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400])
  expect((await post('/verify', { email, code })).body.code).toBe('code_invalid')
})

test('four wrong guesses do not', async () => {
  const email = 'nearly@example.com'
  const code = await askForCode(email)
  await Promise.all(Array.from({ length: 4 }, () => post('/verify', { email, code: wrongCode(code) })))
  expect((await post('/verify', { email, code })).status).toBe(200)
})

test('a new code replaces the old one', async () => {
  const email = 'twice@example.com'
  const first = await askForCode(email)
  const second = await askForCode(email)
  if (first !== second) expect((await post('/verify', { email, code: first })).status).toBe(400)
  expect((await post('/verify', { email, code: second })).status).toBe(200)
})

test('a code ends with its time, and is good for its own address and project only', async () => {
  const email = 'late@example.com'
  const code = await askForCode(email)
  expect((await post('/verify', { email: 'ada@example.com', code })).status).toBe(400)
  const other = await server.createProject()
  const elsewhere = await other.call('POST', '/auth/verify', { as: other.publishable, body: { email, code } })
  expect(elsewhere.status).toBe(400)
  await server.services.db.query(
    `UPDATE basalt.one_time_codes SET expires_at = now() - interval '1 second' WHERE target = $1`,
    [email],
  )
  expect((await post('/verify', { email, code })).body.code).toBe('code_invalid')
})

test('only text of the right form is a code, and anything else uses nothing up', async () => {
  const email = 'typed@example.com'
  const code = await askForCode(email)
  for (const bad of [Number(code), [code], { $ne: '' }, null, true, `${code} `, '']) {
    expect((await post('/verify', { email, code: bad })).status).toBe(400)
  }
  for (const bad of [['typed@example.com'], { email }, null, 5]) {
    expect((await post('/verify', { email: bad, code })).status).toBe(400)
    expect((await post('/sign-in/otp', { email: bad })).status).toBe(400)
  }
  expect((await post('/verify', { email, code })).status).toBe(200)
})

test('whoever claimed an address before its owner came loses what they had set up', async () => {
  const email = 'victim@example.com'
  const password = 'set by an attacker'
  const attacker = (await post('/sign-up', { email, password })).body
  await mail.take(email)
  const owner = await post('/verify', { email, code: await askForCode(email) })
  expect(owner.status).toBe(200)
  expect((await post('/sign-in', { email, password })).status).toBe(401)
  expect((await post('/token', { refreshToken: attacker.refreshToken })).status).toBe(401)
  expect((await project.call('GET', '/auth/sessions', { as: attacker.accessToken })).status).toBe(401)
  expect((await project.call('GET', '/auth/sessions', { as: owner.body.accessToken })).status).toBe(200)
})

test('an owner who has proven the address keeps the password when a code signs in', async () => {
  const email = 'proven@example.com'
  const password = 'my own long phrase'
  await post('/sign-up', { email, password })
  const verified = await post('/email/verify', { email, code: codeIn(await mail.take(email)) })
  expect(verified.status).toBe(204)
  expect((await post('/verify', { email, code: await askForCode(email) })).status).toBe(200)
  expect((await post('/sign-in', { email, password })).status).toBe(200)
})

test('who was anonymous keeps id when they prove a new address', async () => {
  const anonymous = (await post('/sign-in/anonymous')).body
  const email = 'named@example.com'
  const code = await askForCode(email)
  const named = await post('/verify', { email, code }, {}, anonymous.accessToken)
  expect(named.body.user).toMatchObject({ id: anonymous.user.id, email, isAnonymous: false })
})

test('a link leads to a page with a button, which leads to the app with a token that signs in once', async () => {
  const email = 'link@example.com'
  expect((await post('/sign-in/magic-link', { email, redirectTo: app })).status).toBe(202)
  const link = linkIn(await mail.take(email))
  expect(link.origin).toBe('https://api.basalt.example')
  const here = server.url + link.pathname
  const token = link.searchParams.get('token')!
  // Scanners may look as often as they like.
  for (let visits = 0; visits < 3; visits += 1) {
    const page = await fetch(here + link.search)
    expect(page.status).toBe(200)
    expect(page.headers.get('referrer-policy')).toBe('no-referrer')
    expect(await page.text()).toContain('<form method="post">')
  }
  const click = () =>
    fetch(here, { method: 'POST', body: new URLSearchParams({ token }), redirect: 'manual' })
  const clicks = await Promise.all(Array.from({ length: 20 }, click))
  const led = clicks.filter(({ status }) => status === 303)
  expect(led).toHaveLength(1)
  expect(clicks.filter(({ status }) => status === 400)).toHaveLength(19)
  const target = new URL(led[0]!.headers.get('location')!)
  expect(target.origin + target.pathname).toBe(app)
  const handedOver = new URLSearchParams(target.hash.slice(1)).get('token')
  expect((await post('/verify', { token: handedOver })).body.user.email).toBe(email)
  expect((await post('/verify', { token: handedOver })).body.code).toBe('code_invalid')
})

test('a link leads nowhere but to the addresses on the list, letter by letter', async () => {
  for (const redirectTo of [
    `${app}/`,
    `${app}?next=1`,
    'https://app.example.com',
    'https://app.example.com.evil.example/welcome',
    'javascript:alert(1)',
  ]) {
    const { status, body } = await post('/sign-in/magic-link', { email: 'x@example.com', redirectTo })
    expect(status).toBe(400)
    expect(body.errors[0].path).toBe('redirectTo')
  }
})

test('links come from the configured address, whatever the request says of itself', async () => {
  const email = 'forged@example.com'
  const forged = {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'http',
    origin: 'https://evil.example',
  }
  await post('/sign-in/magic-link', { email, redirectTo: app }, forged)
  const { raw } = await mail.take(email)
  expect(raw).not.toContain('evil.example')
})

test('with a page of the app set, links lead there and their token signs in', async () => {
  await settings({ links: { magicLink: 'https://app.example.com/login?from=mail' } })
  const email = 'page@example.com'
  await post('/sign-in/magic-link', { email })
  const link = linkIn(await mail.take(email))
  expect(link.href).toMatch(/^https:\/\/app\.example\.com\/login\?from=mail&token=/)
  expect((await post('/verify', { token: link.searchParams.get('token') })).status).toBe(200)
  await settings({ links: {} })
})

test('a token that was changed, cut, or made for something else is refused', async () => {
  const email = 'tamper@example.com'
  await post('/sign-in/magic-link', { email, redirectTo: app })
  const token = linkIn(await mail.take(email)).searchParams.get('token')!
  const flipped = `${token.slice(0, 40)}${token[40] === 'A' ? 'B' : 'A'}${token.slice(41)}`
  for (const bad of [flipped, token.slice(0, 40), 'v1.a.b.c', 'x']) {
    expect((await post('/verify', { token: bad })).body.code).toBe('code_invalid')
  }
  const reset = await post('/password/confirm', { token, password: 'an entirely new one' })
  expect(reset.body.code).toBe('code_invalid')
  expect((await post('/email/verify', { token })).body.code).toBe('code_invalid')
  expect((await post('/verify', { token })).status).toBe(200)
})

test('what is switched off does not work', async () => {
  await settings({ emailCode: { enabled: false }, magicLink: { enabled: false } })
  expect((await post('/sign-in/otp', { email: 'off@example.com' })).status).toBe(403)
  expect((await post('/sign-in/otp', { phone: '+4915112345678' })).status).toBe(403)
  expect((await post('/sign-in/magic-link', { email: 'off@example.com', redirectTo: app })).status).toBe(403)
  expect((await post('/verify', { email: 'off@example.com', code: '123456' })).status).toBe(403)
  await settings({ emailCode: null, magicLink: null })
})
