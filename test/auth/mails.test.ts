import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { codeIn, linkIn, type MailServer, startMailServer } from '../support/mail-server.ts'
import { startOn, startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let mail: MailServer
let server: TestServer
let project: TestProject

beforeAll(async () => {
  mail = await startMailServer()
  server = await startTestServer({ BASALT_OUTBOUND_ALLOW: '127.0.0.1' })
  project = await server.createProject('Blog')
})

afterEach(() => mail.refuse(false))

afterAll(async () => {
  await server.stop()
  await mail.close()
})

const patch = (body: object, as?: string) =>
  project.call('PATCH', '/auth/settings', { body, ...(as !== undefined && { as }) })

const otp = (email: string, headers: Record<string, string> = {}) =>
  project.call('POST', '/auth/sign-in/otp', { as: project.publishable, body: { email }, headers })

const smtp = () => ({
  host: '127.0.0.1',
  port: mail.port,
  secure: false,
  from: 'Blog <no-reply@blog.example>',
})

async function outbox(email: string, as = project.secret) {
  for (const end = Date.now() + 5_000; Date.now() < end;) {
    const { body } = await project.call('GET', '/auth/mails', { as })
    const found = body.mails.filter(({ recipient }: { recipient: string }) => recipient === email)
    if (found.length > 0) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`nothing for ${email} in the outbox`)
}

async function keyWith(...scopes: string[]): Promise<string> {
  const { body } = await project.call('POST', '/keys', {
    as: server.operator,
    body: { name: scopes.join(), kind: 'secret', scopes },
  })
  return body.key
}

test('without an SMTP server mails stand in the outbox, and their codes work', async () => {
  const email = 'outbox@example.com'
  expect((await otp(email)).status).toBe(202)
  const [found] = await outbox(email)
  expect(found).toMatchObject({ template: 'sign_in_code', sentAt: null, error: null })
  const verified = await project.call('POST', '/auth/verify', {
    as: project.publishable,
    body: { email, code: codeIn(found) },
  })
  expect(verified.status).toBe(200)
})

test('a key that may only read users sees that a mail is there, not the code in it', async () => {
  const email = 'hidden@example.com'
  await otp(email)
  const [found] = await outbox(email, await keyWith('users:read'))
  expect(found).toMatchObject({ recipient: email, subject: null, text: null, html: null })
  const [shown] = await outbox(email, await keyWith('users:read', 'users:write'))
  expect(shown.text).toMatch(/\d{6}/)
  for (const as of [project.publishable, await keyWith('users:write'), await keyWith('settings:read')]) {
    expect((await project.call('GET', '/auth/mails', { as })).status).toBe(403)
  }
})

test('with its own SMTP server a project’s mails leave, and what was sent is kept nowhere', async () => {
  expect((await patch({ settings: { smtp: smtp() } })).status).toBe(200)
  const email = 'sent@example.com'
  await otp(email)
  const received = await mail.take(email)
  expect(received.from).toEqual({ name: 'Blog', address: 'no-reply@blog.example' })
  expect(received.subject).toContain(`is your code for Blog`)
  expect(received.html).toContain(codeIn(received))
  await expect.poll(async () => (await outbox(email))[0].sentAt).not.toBeNull()
  const { rows } = await server.services.db.query('SELECT * FROM basalt.mails WHERE recipient = $1', [email])
  expect(JSON.stringify(rows)).not.toContain(codeIn(received))
})

test('mails speak the reader’s language, and English to everybody else', async () => {
  await otp('de@example.com', { 'accept-language': 'de-AT,en;q=0.5' })
  expect((await mail.take('de@example.com')).text).toContain('Dein Code zur Anmeldung')
  await otp('fr@example.com', { 'accept-language': 'fr' })
  expect((await mail.take('fr@example.com')).text).toContain('Your code to sign in')
})

test('a project’s own templates replace ours, by language', async () => {
  const templates = {
    sign_in_code: {
      fr: {
        subject: 'Code {{ code }}',
        text: 'Voici: {{code}}\n\nLien: {{email}}',
        html: '<b>{{code}} {{app}}</b>',
      },
    },
  }
  expect((await patch({ settings: { templates } })).status).toBe(200)
  const email = 'francais@example.com'
  await otp(email, { 'accept-language': 'fr' })
  const received = await mail.take(email)
  expect(received.text!.trim()).toBe(`Voici: ${codeIn(received)}\n\nLien: ${email}`)
  expect(received.html!.trim()).toBe(`<b>${codeIn(received)} Blog</b>`)
  await patch({ settings: { templates: null } })
})

test('a template that names what is not there is refused, with every fault', async () => {
  const templates = {
    sign_in_code: { en: { subject: '{{password}}', text: '{{code}} {{link}}' } },
    no_such_mail: { en: { subject: '', text: 'x' } },
  }
  const { status, body } = await patch({ settings: { templates } })
  expect(status).toBe(400)
  expect(body.errors.map(({ path }: { path: string }) => path)).toEqual([
    'settings.templates.sign_in_code.en.subject',
    'settings.templates.sign_in_code.en.text',
    'settings.templates.no_such_mail.en',
  ])
})

test('values are text in html, and never a header', async () => {
  const evil = await server.createProject('<img src=x onerror=alert(1)> "Ada"')
  await evil.call('PATCH', '/auth/settings', { body: { settings: { smtp: smtp() } } })
  const email = '"<script>"@example.com'
  await evil.call('POST', '/auth/sign-in/otp', { as: evil.publishable, body: { email: 'plain@example.com' } })
  expect((await mail.take('plain@example.com')).html).not.toContain('<img')
  await evil.call('POST', '/auth/sign-in/otp', { as: evil.publishable, body: { email } })
  for (const address of [
    'a@b.example\r\nBcc: c@d.example',
    'a@b.example\nX: y',
    'a b@c.example',
    'a@b@c.example',
  ]) {
    const { status } = await otp(address)
    expect(status).toBe(400)
  }
})

test('an address with a comma is one address', async () => {
  const email = 'a,mallory@example.com'
  await otp(email)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const strangers = mail.mails
    .flatMap(({ recipients }) => recipients)
    .filter((one) => one === 'mallory@example.com')
  expect(strangers).toEqual([])
})

test('a preview shows a template with made-up values, and sends nothing', async () => {
  const preview = (body: object) => project.call('POST', '/auth/mails/preview', { body })
  const own = await preview({ template: 'magic_link', content: { subject: 'S', text: 'Go: {{link}}' } })
  expect(own.body).toMatchObject({ subject: 'S', text: expect.stringContaining('https://app.example.com') })
  const german = await preview({ template: 'verify_email', language: 'de' })
  expect(german.body.subject).toContain('ist dein Code für Blog')
  const bad = await preview({ template: 'magic_link', content: { subject: '', text: '{{code}}' } })
  expect([bad.status, bad.body.errors[0].code]).toEqual([400, 'unknown_placeholder'])
  expect((await preview({ template: 'nothing' })).status).toBe(400)
})

test('a mail that the server refuses is tried again later', async () => {
  mail.refuse(true)
  const email = 'refused@example.com'
  await otp(email)
  await expect.poll(async () => (await outbox(email))[0].error, { timeout: 5_000 }).toContain('451')
  mail.refuse(false)
  await server.services.db.query(
    `UPDATE basalt.mails SET next_attempt_at = now() - interval '1 second' WHERE recipient = $1`,
    [email],
  )
  // Any node takes it up, at its start or at the next turn.
  const node = await startOn(server.services.config.databaseUrl!, { BASALT_OUTBOUND_ALLOW: '127.0.0.1' })
  try {
    expect(codeIn(await mail.take(email))).toMatch(/^\d{6}$/)
  } finally {
    await node.stop()
  }
})

test('a mail tells how it stands, and what was kept or given up is sent when asked to', async () => {
  const there = await server.createProject('Retry')
  const email = 'retry@example.com'
  await there.call('POST', '/auth/sign-in/otp', { as: there.publishable, body: { email } })
  const list = async () => (await there.call('GET', '/auth/mails')).body
  await expect.poll(async () => (await list()).mails[0]?.state).toBe('kept')
  const { mails, hasServer } = await list()
  expect(hasServer).toBe(false)
  const path = `/auth/mails/${mails[0].id}`
  expect((await there.call('GET', path)).body).toEqual(mails[0])
  expect((await there.call('POST', `${path}/retry`)).body.code).toBe('conflict')

  await there.call('PATCH', '/auth/settings', { body: { settings: { smtp: smtp() } } })
  expect((await list()).hasServer).toBe(true)
  const both = await Promise.all([1, 2].map(() => there.call('POST', `${path}/retry`)))
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 409])
  expect(codeIn(await mail.take(email))).toBe(codeIn(mails[0]))
  await expect.poll(async () => (await there.call('GET', path)).body.state).toBe('sent')
  expect((await there.call('GET', path)).body).toMatchObject({ text: null, html: null, subject: null })
  expect((await there.call('POST', `${path}/retry`)).body.code).toBe('conflict')
  expect((await project.call('GET', path)).status).toBe(404)
  expect((await project.call('POST', `${path}/retry`)).status).toBe(404)
})

test('a test mail tells at once what the server says', async () => {
  const there = await server.createProject('Tested')
  const send = (to: string) => there.call('POST', '/auth/mails/test', { body: { to } })
  expect((await send('test@example.com')).body).toEqual({ error: 'no SMTP server is set' })
  await there.call('PATCH', '/auth/settings', { body: { settings: { smtp: smtp() } } })
  expect(await send('test@example.com')).toMatchObject({ status: 200, body: { error: null } })
  expect((await mail.take('test@example.com')).from?.address).toBe('no-reply@blog.example')
  mail.refuse(true)
  expect((await send('refused-test@example.com')).body.error).toContain('451')
  expect((await send('a@example.com\r\nBcc: b@example.com')).status).toBe(400)
})

test('the templates that come along are listed in every language, with what they may name', async () => {
  const { body } = await project.call('GET', '/auth/mails/templates')
  const link = body.templates.find(({ name }: { name: string }) => name === 'magic_link')
  expect(link.placeholders).toEqual(['app', 'email', 'link', 'minutes'])
  expect(Object.keys(link.languages)).toEqual(['en', 'de'])
  const content = link.languages.de
  const preview = await project.call('POST', '/auth/mails/preview', {
    body: { template: 'magic_link', content },
  })
  expect(preview.body.text).toContain('https://app.example.com')
})

test('a server in the private network is not reached unless it was allowed', async () => {
  const there = await server.createProject()
  await there.call('PATCH', '/auth/settings', {
    body: { settings: { smtp: { ...smtp(), host: '127.0.0.2' } } },
  })
  const email = 'private@example.com'
  await there.call('POST', '/auth/sign-in/otp', { as: there.publishable, body: { email } })
  await expect
    .poll(async () => (await there.call('GET', '/auth/mails')).body.mails[0]?.error, { timeout: 5_000 })
    .toContain('not a public address')
})

test('links in mails keep the parameters of the app’s page', async () => {
  await patch({ settings: { links: { verifyEmail: 'https://app.example.com/verify?lang=en' } } })
  const email = 'verify@example.com'
  await project.call('POST', '/auth/sign-up', {
    as: project.publishable,
    body: { email, password: 'a rather long phrase' },
  })
  const link = linkIn(await mail.take(email))
  expect(link.searchParams.get('lang')).toBe('en')
  expect(link.searchParams.get('token')).toMatch(/^v1\./)
})
