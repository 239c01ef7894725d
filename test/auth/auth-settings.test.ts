import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

interface Seen {
  path: string
  headers: IncomingMessage['headers']
  body: string
}

let server: TestServer
let project: TestProject
let outside: Server
let outsideUrl: string
const seen: Seen[] = []

beforeAll(async () => {
  // The world outside: a sender of SMS, and a maker of captchas that likes one answer.
  outside = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const body = Buffer.concat(chunks).toString()
      seen.push({ path: request.url ?? '', headers: request.headers, body })
      const { response: answer } = Object.fromEntries(new URLSearchParams(body))
      response.end(JSON.stringify({ success: answer === 'solved by a person' }))
    })()
  })
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve))
  outsideUrl = `http://127.0.0.1:${(outside.address() as AddressInfo).port}`
  server = await startTestServer({ BASALT_OUTBOUND_ALLOW: '127.0.0.1' })
  project = await server.createProject('Blog')
})

afterAll(async () => {
  await server.stop()
  outside.close()
})

const patch = (body: object, as = project.secret) => project.call('PATCH', '/auth/settings', { as, body })
const post = (path: string, body?: object) =>
  project.call('POST', `/auth${path}`, { as: project.publishable, body })

async function keyWith(scope: string): Promise<string> {
  const body = { name: scope, kind: 'secret', scopes: [scope] }
  return (await project.call('POST', '/keys', { as: server.operator, body })).body.key
}

async function arrived(path: string): Promise<Seen> {
  await expect.poll(() => seen.some((one) => one.path === path), { timeout: 5_000 }).toBe(true)
  return seen.splice(
    seen.findIndex((one) => one.path === path),
    1,
  )[0]!
}

test('secrets go in and never come out, not even sealed', async () => {
  const secrets = {
    smsToken: 'sms-hunter2',
    captchaSecret: 'captcha-hunter2',
    providers: { google: 'google-hunter2' },
  }
  const changed = await patch({ secrets })
  expect(changed.body.secrets).toEqual({
    providers: { google: { isSet: true } },
    smtpPassword: { isSet: false },
    smsToken: { isSet: true },
    captchaSecret: { isSet: true },
  })
  const shown = await project.call('GET', '/auth/settings')
  const audit = await project.call('GET', '/audit', { as: server.operator })
  expect(JSON.stringify([changed.body, shown.body, audit.body])).not.toContain('hunter2')
  expect(audit.body.entries[0]).toMatchObject({ action: 'auth_settings.change' })
  const { rows } = await server.services.db.query('SELECT * FROM basalt.auth_settings')
  expect(JSON.stringify(rows)).not.toContain('hunter2')
  const removed = await patch({ secrets: { captchaSecret: null, providers: { google: null } } })
  expect(removed.body.secrets).toMatchObject({
    providers: {},
    smsToken: { isSet: true },
    captchaSecret: { isSet: false },
  })
})

test('every fault is told at once, and nothing changes', async () => {
  const before = (await project.call('GET', '/auth/settings')).body
  const { status, body } = await patch({
    settings: {
      redirectUrls: ['javascript:alert(1)', 'https://app.example.com/#here', 'https://app.example.com/'],
      links: { resetPassword: 'data:text/html,x' },
      captcha: { kind: 'turnstile' },
      smtp: { host: 'h', port: 25, secure: false, user: 'u', from: 'a@b.example\r\nBcc: c@d.example' },
      sms: { enabled: true },
    },
  })
  expect(status).toBe(400)
  expect(body.errors.map(({ path }: { path: string }) => path)).toEqual([
    'settings.redirectUrls.0',
    'settings.redirectUrls.1',
    'settings.links.resetPassword',
    'settings.smtp.from',
    'secrets.smtpPassword',
    'secrets.captchaSecret',
    'settings.smsSender',
  ])
  expect((await project.call('GET', '/auth/settings')).body).toEqual(before)
})

test('what the schema does not know is refused by field', async () => {
  const bad = await patch({
    settings: { sessions: { idleDays: 0, absoluteDays: '9' }, nothing: {} },
    more: 1,
  })
  expect(bad.status).toBe(400)
  const paths = bad.body.errors.map(({ path }: { path: string }) => path)
  expect(paths.toSorted((a: string, b: string) => a.localeCompare(b))).toEqual([
    'more',
    'settings.nothing',
    'settings.sessions.absoluteDays',
    'settings.sessions.idleDays',
  ])
})

test('groups that are not named stay; null brings the default back', async () => {
  await patch({ settings: { anonymous: { enabled: false } } })
  await patch({ settings: { sessions: { idleDays: 3, absoluteDays: 30 } } })
  const { settings } = (await project.call('GET', '/auth/settings')).body
  expect(settings).toMatchObject({ anonymous: { enabled: false }, sessions: { idleDays: 3 } })
  expect((await post('/sign-in/anonymous')).status).toBe(403)
  await patch({ settings: { anonymous: null, sessions: null } })
  expect((await post('/sign-in/anonymous')).status).toBe(201)
})

test('reading settings changes nothing, and other rights do not reach them', async () => {
  const reader = await keyWith('settings:read')
  expect((await project.call('GET', '/auth/settings', { as: reader })).status).toBe(200)
  expect((await patch({ settings: {} }, reader)).status).toBe(403)
  expect((await project.call('POST', '/auth/keys/rotate', { as: reader })).status).toBe(403)
  for (const as of [await keyWith('users:write'), project.publishable]) {
    expect((await project.call('GET', '/auth/settings', { as })).status).toBe(403)
    expect((await patch({ settings: {} }, as)).status).toBe(403)
  }
})

test('a new signing key signs, and tokens of the old one stay good', async () => {
  const jwks = async () => (await project.call('GET', '/auth/.well-known/jwks.json')).body.keys
  const old = (await post('/sign-in/anonymous')).body
  const [before] = await jwks()
  expect((await project.call('POST', '/auth/keys/rotate')).status).toBe(204)
  await expect.poll(async () => (await jwks()).length).toBe(2)
  const young = (await post('/sign-in/anonymous')).body
  const kid = (token: string) => JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid
  expect(kid(old.accessToken)).toBe(before.kid)
  expect(kid(young.accessToken)).not.toBe(before.kid)
  for (const { accessToken } of [old, young]) {
    expect((await project.call('GET', '/auth/sessions', { as: accessToken })).status).toBe(200)
  }
})

test.each(['turnstile', 'hcaptcha'])('where %s is asked for, nobody gets by without one', async (kind) => {
  const captcha = { kind, verifyUrl: `${outsideUrl}/captcha` }
  await patch({ settings: { captcha }, secrets: { captchaSecret: 'the secret' } })
  const email = 'robot@example.com'
  const calls: [string, object][] = [
    ['/sign-up', { email, password: 'a rather long phrase' }],
    ['/sign-in/otp', { email }],
    ['/sign-in/magic-link', { email }],
    ['/password/reset', { email }],
    ['/email/resend', { email }],
    ['/sign-in/anonymous', {}],
  ]
  for (const [path, body] of calls) {
    const without = await post(path, body)
    expect([path, without.status, without.body.errors?.[0].path]).toEqual([path, 400, 'captchaToken'])
    const wrong = await post(path, { ...body, captchaToken: 'made up' })
    expect([path, wrong.status, wrong.body.errors?.[0].code]).toEqual([path, 400, 'captcha_failed'])
  }
  const solved = await post('/sign-in/anonymous', { captchaToken: 'solved by a person' })
  expect(solved.status).toBe(201)
  const asked = Object.fromEntries(new URLSearchParams((await arrived('/captcha')).body))
  expect(asked).toMatchObject({ secret: 'the secret', response: 'made up', remoteip: '127.0.0.1' })
  await patch({ settings: { captcha: { ...captcha, verifyUrl: 'http://127.0.0.2:9/' } } })
  expect((await post('/sign-in/anonymous', { captchaToken: 'solved by a person' })).status).toBe(503)
  await patch({ settings: { captcha: null } })
})

test('a code by SMS goes to a webhook that can check whom it is from, and signs in', async () => {
  const smsSender = { kind: 'webhook', url: `${outsideUrl}/sms` }
  await patch({ settings: { sms: { enabled: true }, smsSender }, secrets: { smsToken: 'shared' } })
  const phone = '+4915112345678'
  expect((await post('/sign-in/otp', { phone })).status).toBe(202)
  const { headers, body } = await arrived('/sms')
  const signed = [headers['webhook-id'], headers['webhook-timestamp'], body].join('.')
  expect(headers['webhook-signature']).toBe(
    `v1,${createHmac('sha256', 'shared').update(signed).digest('base64')}`,
  )
  const { to, text } = JSON.parse(body)
  expect(to).toBe(phone)
  const code = /\d{6}/.exec(text)![0]
  const { status, body: session } = await post('/verify', { phone, code })
  expect(status).toBe(200)
  expect(session.user).toMatchObject({ phone, isPhoneVerified: true, email: null })
  expect((await post('/verify', { phone, code })).body.code).toBe('code_invalid')
  for (const bad of ['4915112345678', '+0', '+49 151', `${phone}\n`, [phone]]) {
    expect((await post('/sign-in/otp', { phone: bad })).status).toBe(400)
  }
})

test('a code by SMS goes to Twilio as Twilio likes it', async () => {
  const smsSender = { kind: 'twilio', url: `${outsideUrl}/twilio`, accountSid: 'AC1', from: '+15005550006' }
  await patch({ settings: { smsSender }, secrets: { smsToken: 'auth token' } })
  expect((await post('/sign-in/otp', { phone: '+4915112345679' })).status).toBe(202)
  const { headers, body } = await arrived('/twilio')
  expect(headers.authorization).toBe(`Basic ${Buffer.from('AC1:auth token').toString('base64')}`)
  expect(Object.fromEntries(new URLSearchParams(body))).toMatchObject({
    To: '+4915112345679',
    From: '+15005550006',
    Body: expect.stringMatching(/\d{6}/),
  })
})
