import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { CookieBrowser } from '../support/cookie-browser.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject
let idp: IdentityProvider

const app = 'https://app.example.com/signed-in'
const client = { id: 'basalt-test', secret: 'a secret of the client' }
let people = 0

beforeAll(async () => {
  const port = await freePort()
  const publicUrl = `http://127.0.0.1:${port}`
  server = await startTestServer({
    BASALT_PORT: String(port),
    BASALT_PUBLIC_URL: publicUrl,
    BASALT_OUTBOUND_ALLOW: '127.0.0.0/8',
    BASALT_LOG_LEVEL: 'fatal',
  })
  project = await server.createProject()
  const redirectUri = `${publicUrl}/v1/projects/${project.ref}/auth/sign-in/oauth/acme/callback`
  idp = await startIdentityProvider({ ...client, redirectUri })
  const { status } = await project.call('PATCH', '/auth/settings', {
    body: {
      settings: {
        redirectUrls: [app],
        providers: {
          acme: { enabled: true, clientId: client.id, issuer: idp.issuer },
          off: { enabled: false, clientId: client.id, issuer: idp.issuer },
          hidden: { enabled: true, clientId: client.id, issuer: 'http://10.255.255.1' },
        },
      },
      secrets: { providers: { acme: client.secret } },
    },
  })
  expect(status).toBe(200)
})

beforeEach(() => {
  idp.user = newPerson()
})

afterAll(async () => {
  await idp.stop()
  await server.stop()
})

test('an unknown person gets an account by the redirect, and the same one when they come again', async () => {
  const person = newPerson()
  idp.user = person
  const { status, body } = await signIn()
  expect(status).toBe(200)
  expect(body.user).toMatchObject({
    email: person.email,
    isEmailVerified: true,
    isAnonymous: false,
    profile: { name: person.name },
  })
  idp.user = { ...person, email: 'moved@example.com' }
  const again = await signIn()
  expect(again.body.user).toMatchObject({ id: body.user.id, email: person.email })
  const { body: mine } = await as(body, 'GET', '/auth/identities')
  expect(mine.identities).toMatchObject([{ provider: 'acme', email: person.email }])
  expect(claimsOf(body.accessToken)).toMatchObject({ amr: ['fed'], aal: 1 })
})

test('whoever says no at the provider comes back with an error, and no code', async () => {
  idp.user = null
  const { fragment } = await go(await begin())
  expect(Object.fromEntries(fragment)).toEqual({ error: 'access_denied' })
})

test('redirects lead only where the list says, to the letter', async () => {
  const { codeChallenge } = pkce()
  const others = [
    `${app}/`,
    `${app}?x=1`,
    'https://app.example.com.evil.example',
    'https://app.example.com/',
    'javascript:alert(1)',
  ]
  for (const redirectTo of others) {
    const answer = await post('/auth/sign-in/oauth/acme', { redirectTo, codeChallenge })
    expect([redirectTo, answer.status, answer.body.errors?.[0].path]).toEqual([redirectTo, 400, 'redirectTo'])
    const query = new URLSearchParams({ redirectTo, codeChallenge })
    const direct = await fetch(`${authUrl()}/sign-in/oauth/acme?${query.toString()}`, { redirect: 'manual' })
    expect([direct.status, direct.headers.get('location')]).toEqual([400, null])
  }
})

test('only providers that are switched on lead anywhere; the private network stays out of reach', async () => {
  const body = { redirectTo: app, codeChallenge: pkce().codeChallenge }
  for (const name of ['off', 'github', 'constructor']) {
    expect([name, (await post(`/auth/sign-in/oauth/${name}`, body)).status]).toEqual([name, 403])
  }
  const hidden = await post('/auth/sign-in/oauth/hidden', body)
  expect(hidden.status).toBe(503)
  expect(JSON.stringify(hidden.body)).not.toContain('10.255')
})

test('a state is worth nothing when it is made up, used before, or of another browser', async () => {
  const made = await fetch(`${authUrl()}/sign-in/oauth/acme/callback?state=ot_made-up&code=x`, {
    redirect: 'manual',
  })
  expect(made.status).toBe(400)

  const browser = new CookieBrowser()
  const { callback } = await toCallback(await begin(), browser)
  const stranger = new CookieBrowser()
  expect((await stranger.get(callback)).status).toBe(400)
  const name = [...(browser.cookies.get(new URL(server.url).host)?.keys() ?? [])][0] ?? ''
  stranger.cookies.get(new URL(server.url).host)?.set(name, randomBytes(24).toString('base64url'))
  expect((await stranger.get(callback)).status).toBe(400)
  const cookies = new Map(browser.cookies.get(new URL(server.url).host))
  const first = await browser.get(callback)
  expect([first.status, first.headers.get('location')?.startsWith(`${app}#code=`)]).toEqual([303, true])
  expect(browser.cookies.get(new URL(server.url).host)?.size).toBe(0)
  browser.cookies.set(new URL(server.url).host, cookies)
  const replayed = await browser.get(callback)
  expect([replayed.status, ((await replayed.json()) as { code: string }).code]).toEqual([400, 'code_invalid'])
})

test('the cookie of the flow is for this server alone, and scripts do not see it', async () => {
  const { url } = await begin()
  const response = await fetch(url, { redirect: 'manual' })
  expect(response.headers.getSetCookie()).toEqual([
    expect.stringMatching(
      /^basalt-sign-in-[\w-]{12}=[\w-]{32}; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/,
    ),
  ])
  const target = new URL(response.headers.get('location') ?? '')
  expect(target.origin).toBe(idp.issuer)
  expect(target.searchParams.get('code_challenge_method')).toBe('S256')
  expect(target.searchParams.get('nonce')).toHaveLength(43)
  expect(target.searchParams.get('redirect_uri')).toBe(`${authUrl()}/sign-in/oauth/acme/callback`)
})

test('a code works with its verifier only, and once among fifty', async () => {
  const begun = await begin()
  const { fragment } = await go(begun)
  const code = fragment.get('code') ?? ''
  const thief = await post('/auth/sign-in/oauth/exchange', { code, codeVerifier: pkce().codeVerifier })
  expect([thief.status, thief.body.code]).toEqual([400, 'code_invalid'])
  const body = { code, codeVerifier: begun.codeVerifier }
  const uses = await Promise.all(Array.from({ length: 50 }, () => post('/auth/sign-in/oauth/exchange', body)))
  const counts = uses.map(({ status }) => status).toSorted((a, b) => a - b)
  expect(counts).toEqual([200, ...Array.from({ length: 49 }, () => 400)])
})

test('two first sign-ins at the same moment make one user', async () => {
  const begun = await Promise.all([begin(), begin(), begin(), begin()])
  const arrived = await Promise.all(begun.map((one) => go(one)))
  const sessions = await Promise.all(arrived.map(({ exchange }) => exchange()))
  expect(new Set(sessions.map(({ body }) => body.user.id)).size).toBe(1)
})

test('a verified address leads to the account that proved it, an unverified one to nobody', async () => {
  const person = newPerson()
  idp.user = person
  const { body: first } = await signIn()
  idp.user = { ...newPerson(), email: person.email.toUpperCase() }
  expect((await signIn()).body.user.id).toBe(first.user.id)
  idp.user = { ...newPerson(), email: person.email, email_verified: false }
  const { body: other } = await signIn()
  expect(other.user.id).not.toBe(first.user.id)
  expect(other.user).toMatchObject({ email: null, isEmailVerified: false })
})

test('who signed up with an address in advance is out as soon as its owner proves it', async () => {
  const person = newPerson()
  const password = 'waiting for somebody'
  const { body: squatter } = await post('/auth/sign-up', { email: person.email, password })
  idp.user = { ...newPerson(), email_verified: false }
  expect((await link(squatter)).status).toBe(201)
  const back = idp.user
  expect((await as(squatter, 'GET', '/auth/identities')).status).toBe(200)
  idp.user = person
  const { body: owner } = await signIn()
  expect(owner.user).toMatchObject({ email: person.email, isEmailVerified: true })
  expect((await as(squatter, 'GET', '/auth/identities')).status).toBe(401)
  expect((await post('/auth/token', { refreshToken: squatter.refreshToken })).status).toBe(401)
  expect((await post('/auth/sign-in', { email: person.email, password })).status).toBe(401)
  idp.user = back
  expect((await signIn()).body.user.id).not.toBe(owner.user.id)
  const { body: mine } = await as(owner, 'GET', '/auth/identities')
  expect(mine.identities).toHaveLength(1)
})

test('whoever signs in by a linked account while the owner proves the address is out as well', async () => {
  const person = newPerson()
  const { body: squatter } = await post('/auth/sign-up', {
    email: person.email,
    password: 'waiting for somebody',
  })
  idp.user = { ...newPerson(), email_verified: false }
  expect((await link(squatter)).status).toBe(201)
  const waiting = await Promise.all(Array.from({ length: 8 }, async () => go(await begin())))
  idp.user = person
  const owner = await go(await begin())
  const early = Promise.all(waiting.slice(0, 4).map(({ exchange }) => exchange()))
  const { body: mine } = await owner.exchange()
  const late = await Promise.all(waiting.slice(4).map(({ exchange }) => exchange()))
  for (const { status, body } of [...(await early), ...late]) {
    expect(status).toBe(200)
    if (body.user.id !== mine.user.id) continue
    expect((await as(body, 'GET', '/auth/identities')).status).toBe(401)
  }
  expect((await as(mine, 'GET', '/auth/identities')).body.identities).toHaveLength(1)
})

test('an anonymous user keeps the id, unless the account is already of somebody', async () => {
  const person = newPerson()
  idp.user = person
  const { body: anonymous } = await post('/auth/sign-in/anonymous')
  const { body: named } = await signIn(anonymous.accessToken)
  expect(named.user).toMatchObject({ id: anonymous.user.id, isAnonymous: false, email: person.email })
  const { body: second } = await post('/auth/sign-in/anonymous')
  expect((await signIn(second.accessToken)).body.user.id).toBe(anonymous.user.id)
  idp.user = { ...newPerson(), email_verified: false }
  const { body: third } = await signIn(second.accessToken)
  expect(third.user).toMatchObject({ id: second.user.id, isAnonymous: false, email: null })
})

test('identities are linked and unlinked by their owner, but never the last way in', async () => {
  const { body: ada } = await signUp()
  idp.user = { ...newPerson(), email_verified: false }
  const linked = await link(ada)
  expect(linked.status).toBe(201)
  expect((await signIn()).body.user.id).toBe(ada.user.id)
  const { body: bob } = await signUp()
  const taken = await link(bob)
  expect([taken.status, taken.body.code]).toEqual([409, 'already_exists'])
  const path = `/auth/identities/${linked.body.id}`
  expect((await as(bob, 'DELETE', path)).status).toBe(404)
  expect((await as(ada, 'DELETE', path)).status).toBe(204)
  const { body: lonely } = await signIn()
  expect(lonely.user.id).not.toBe(ada.user.id)
  const { body: mine } = await as(lonely, 'GET', '/auth/identities')
  const last = await as(lonely, 'DELETE', `/auth/identities/${mine.identities[0].id}`)
  expect([last.status, last.body.code]).toEqual([409, 'conflict'])
  expect((await as(lonely, 'GET', '/auth/identities')).body.identities).toHaveLength(1)
})

test('linking and unlinking ask for a fresh proof', async () => {
  const { body: ada } = await signUp()
  idp.user = { ...newPerson(), email_verified: false }
  const { body: linked } = await link(ada)
  await server.services.control.userSession.updateMany({
    where: { userId: ada.user.id },
    data: { provenAt: new Date(Date.now() - 3_600_000) },
  })
  // Sessions are remembered for seconds.
  server.services.bus.publish('auth-users', ada.user.id)
  idp.user = newPerson()
  await expect.poll(async () => (await link(ada)).body.code, { timeout: 5000 }).toBe('step_up_required')
  expect((await as(ada, 'DELETE', `/auth/identities/${linked.id}`)).body.code).toBe('step_up_required')
})

test('an address that was taken off the list meanwhile is not redirected to', async () => {
  const browser = new CookieBrowser()
  const { callback } = await toCallback(await begin(), browser)
  const allow = (redirectUrls: string[]) =>
    project.call('PATCH', '/auth/settings', { body: { settings: { redirectUrls } } })
  await allow([])
  const { status, headers } = await browser.get(callback)
  await allow([app])
  expect([status, headers.get('location')]).toEqual([400, null])
})

test('a suspended user is not signed in by a provider either', async () => {
  const { body } = await signIn()
  await server.services.control.user.update({
    where: { id: body.user.id },
    data: { suspendedAt: new Date() },
  })
  expect((await signIn()).status).toBe(403)
})

function newPerson() {
  people += 1
  return {
    sub: `person-${people}`,
    email: `person${people}@example.com`,
    email_verified: true,
    name: `Person ${people}`,
  }
}

function pkce() {
  const codeVerifier = randomBytes(32).toString('base64url')
  return { codeVerifier, codeChallenge: createHash('sha256').update(codeVerifier).digest('base64url') }
}

async function begin() {
  const { codeVerifier, codeChallenge } = pkce()
  const { body } = await post('/auth/sign-in/oauth/acme', { redirectTo: app, codeChallenge })
  return { url: body.url as string, codeVerifier }
}

async function toCallback({ url }: { url: string }, browser: CookieBrowser) {
  return { callback: (await browser.follow(url, `${authUrl()}/sign-in/oauth/acme/callback`)).url }
}

async function go({ url, codeVerifier }: Awaited<ReturnType<typeof begin>>, token?: string) {
  const { url: landed, response } = await new CookieBrowser().follow(url, app)
  if (!landed.startsWith(app)) throw new Error(`${response.status} ${await response.text()}`)
  const fragment = new URLSearchParams(new URL(landed).hash.slice(1))
  const body = { code: fragment.get('code') ?? '', codeVerifier }
  return { fragment, body, exchange: () => post('/auth/sign-in/oauth/exchange', body, token) }
}

async function signIn(token?: string) {
  return (await go(await begin(), token)).exchange()
}

async function link(session: { accessToken: string }) {
  return as(session, 'POST', '/auth/identities/acme', (await go(await begin())).body)
}

function signUp() {
  return post('/auth/sign-up', { email: newPerson().email, password: 'a rather long phrase' })
}

function as({ accessToken }: { accessToken: string }, method: string, path: string, body?: object) {
  return project.call(method, path, { as: accessToken, body })
}

function post(path: string, body?: object, token = project.publishable) {
  return project.call('POST', path, { as: token, body })
}

function authUrl() {
  return `${server.url}/v1/projects/${project.ref}/auth`
}

function claimsOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
