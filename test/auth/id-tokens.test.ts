import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CookieBrowser } from '../support/cookie-browser.ts'
import { freePort } from '../support/free-port.ts'
import { type LyingProvider, startLyingProvider } from '../support/lying-provider.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject
let lying: LyingProvider
let victim: string

const app = 'https://app.example.com/signed-in'
const clientId = 'our-client'
const secret = 'a secret of the client, long enough for HS256'

beforeAll(async () => {
  const port = await freePort()
  server = await startTestServer({
    BASALT_PORT: String(port),
    BASALT_PUBLIC_URL: `http://127.0.0.1:${port}`,
    BASALT_OUTBOUND_ALLOW: '127.0.0.0/8',
    BASALT_LOG_LEVEL: 'fatal',
  })
  project = await server.createProject()
  lying = await startLyingProvider(clientId)
  const settings = {
    redirectUrls: [app],
    providers: {
      lying: { enabled: true, clientId, issuer: lying.issuer, audiences: ['our-phone-app'] },
      github: { enabled: true, clientId },
    },
  }
  const body = { settings, secrets: { providers: { lying: secret, github: secret } } }
  expect((await project.call('PATCH', '/auth/settings', { body })).status).toBe(200)
  const known = await signIn({ idToken: await lying.sign(lying.claims({ sub: 'the victim' })) })
  expect(known.status).toBe(200)
  victim = known.body.user.id
})

afterAll(async () => {
  await lying.stop()
  await server.stop()
})

const forged: [string, (at: LyingProvider) => Promise<string>][] = [
  ['without a signature', async (at) => unsigned(at.claims())],
  ['with a header that says none and a signature', async (at) => `${unsigned(at.claims())}AAAA`],
  [
    'signed with the client secret (HS256)',
    (at) => at.sign(at.claims(), { alg: 'HS256' }, Buffer.from(secret)),
  ],
  [
    'signed with the public key (HS256)',
    (at) => at.sign(at.claims(), { alg: 'HS256' }, Buffer.from(JSON.stringify(at.publicJwk))),
  ],
  ['signed with another key', (at) => at.sign(at.claims(), {}, at.foreign.key)],
  ['with an unknown key id', (at) => at.sign(at.claims(), { kid: 'unknown' }, at.foreign.key)],
  ['that brings its key (jwk)', (at) => at.sign(at.claims(), { jwk: at.foreign.jwk }, at.foreign.key)],
  [
    'that says where its key is (jku)',
    (at) => at.sign(at.claims(), { jku: `${at.issuer}/foreign-jwks` }, at.foreign.key),
  ],
  [
    'that says where its certificate is (x5u)',
    (at) => at.sign(at.claims(), { x5u: `${at.issuer}/foreign-jwks` }, at.foreign.key),
  ],
  ['of another issuer', (at) => at.sign(at.claims({ iss: 'https://accounts.google.com' }))],
  ['of an issuer that only begins alike', (at) => at.sign(at.claims({ iss: `${at.issuer}/` }))],
  ['without an issuer', (at) => at.sign(at.claims({ iss: null }))],
  ['for another audience', (at) => at.sign(at.claims({ aud: 'their-client' }))],
  ['for nobody', (at) => at.sign(at.claims({ aud: null }))],
  [
    'for several audiences without saying who asked',
    (at) => at.sign(at.claims({ aud: [clientId, 'their-client'] })),
  ],
  ['that another party asked for', (at) => at.sign(at.claims({ azp: 'their-client' }))],
  ['that is over', (at) => at.sign(at.claims({ exp: seconds() - 60 }))],
  ['that never ends', (at) => at.sign(at.claims({ exp: null }))],
  ['that is not valid yet', (at) => at.sign(at.claims({ nbf: seconds() + 120 }))],
  ['of the future', (at) => at.sign(at.claims({ iat: seconds() + 120 }))],
  ['without a subject', (at) => at.sign(at.claims({ sub: null }))],
  ['whose subject is no text', (at) => at.sign(at.claims({ sub: { $ne: '' } }))],
  ['made for a nonce that nobody shows', (at) => at.sign(at.claims({ nonce: 'n' }))],
  ['that is no token', async () => 'eyJ.eyJ.x'],
]

test.each(forged)('an id token %s is refused', async (_what, forge) => {
  const users = await countUsers()
  const { status, body } = await signIn({ idToken: await forge(lying) })
  expect([status, body.code]).toEqual([401, 'unauthenticated'])
  expect(await countUsers()).toBe(users)
  expect(lying.foreignKeyRequests).toBe(0)
})

test('an id token is good for the client and for its native apps', async () => {
  for (const claims of [
    { aud: 'our-phone-app' },
    { aud: [clientId, 'x'], azp: clientId },
    { azp: 'our-phone-app' },
  ]) {
    const { status, body } = await signIn({
      idToken: await lying.sign(lying.claims({ sub: 'the victim', ...claims })),
    })
    expect([status, body.user.id]).toEqual([200, victim])
  }
})

test('a nonce has to be shown as it was, or as what the SHA-256 in the token is of', async () => {
  const nonce = 'what the app made up'
  const hashed = createHash('sha256').update(nonce).digest('hex')
  const withNonce = await lying.sign(lying.claims({ nonce }))
  const withHash = await lying.sign(lying.claims({ nonce: hashed }))
  const without = await lying.sign(lying.claims())
  expect((await signIn({ idToken: withNonce, nonce })).status).toBe(200)
  expect((await signIn({ idToken: withHash, nonce })).status).toBe(200)
  expect((await signIn({ idToken: withNonce, nonce: 'another' })).status).toBe(401)
  expect((await signIn({ idToken: without, nonce })).status).toBe(401)
})

test('an access token has to belong to the id token', async () => {
  const half = createHash('sha256').update('its own').digest().subarray(0, 16).toString('base64url')
  const idToken = await lying.sign(lying.claims({ at_hash: half }))
  expect((await signIn({ idToken, accessToken: 'its own' })).status).toBe(200)
  expect((await signIn({ idToken, accessToken: 'another' })).status).toBe(401)
})

test('what is no text is refused by field, and a provider without id tokens says so', async () => {
  const idToken = await lying.sign(lying.claims())
  for (const [path, body] of [
    ['idToken', { idToken: { $ne: null } }],
    ['nonce', { idToken, nonce: ['x'] }],
  ] as const) {
    const answer = await signIn(body)
    expect([answer.status, answer.body.errors[0].path]).toEqual([400, path])
  }
  const github = await project.call('POST', '/auth/sign-in/id-token', {
    as: project.publishable,
    body: { provider: 'github', idToken },
  })
  expect(github.body.errors[0].code).toBe('no_id_tokens')
})

test('by the redirect too, a provider must answer with the nonce, audience, issuer and key that belong there', async () => {
  expect(await redirected((at, nonce) => at.sign(at.claims({ nonce })))).toBe('code')
  const lies: Record<string, Parameters<typeof redirected>[0]> = {
    'another nonce': (at) => at.sign(at.claims({ nonce: 'of another sign-in' })),
    'no nonce': (at) => at.sign(at.claims()),
    'another audience': (at, nonce) => at.sign(at.claims({ nonce, aud: 'their-client' })),
    'another party': (at, nonce) => at.sign(at.claims({ nonce, aud: [clientId, 'x'], azp: 'their-client' })),
    'another issuer': (at, nonce) => at.sign(at.claims({ nonce, iss: 'https://accounts.google.com' })),
    'another key': (at, nonce) => at.sign(at.claims({ nonce }), {}, at.foreign.key),
    'its own key': (at, nonce) => at.sign(at.claims({ nonce }), { jwk: at.foreign.jwk }, at.foreign.key),
    'no signature': async (at, nonce) => unsigned(at.claims({ nonce })),
    HS256: (at, nonce) => at.sign(at.claims({ nonce }), { alg: 'HS256' }, Buffer.from(secret)),
    'the past': (at, nonce) => at.sign(at.claims({ nonce, iat: seconds() - 600, exp: seconds() - 300 })),
  }
  for (const [lie, token] of Object.entries(lies)) {
    expect([lie, await redirected(token)]).toEqual([lie, 'error=provider_failed'])
  }
})

function signIn(body: object) {
  return project.call('POST', '/auth/sign-in/id-token', {
    as: project.publishable,
    body: { provider: 'lying', ...body },
  })
}

/** What the app's address gets: `code`, or the whole error. */
async function redirected(
  token: (at: LyingProvider, nonce: string | null) => Promise<string>,
): Promise<string> {
  lying.nextToken = (nonce) => token(lying, nonce)
  const codeChallenge = createHash('sha256').update(randomBytes(32)).digest('base64url')
  const { body } = await project.call('POST', '/auth/sign-in/oauth/lying', {
    as: project.publishable,
    body: { redirectTo: app, codeChallenge },
  })
  const { url } = await new CookieBrowser().follow(body.url, app)
  const { hash } = new URL(url)
  return hash.startsWith('#code=') ? 'code' : hash.slice(1)
}

function unsigned(claims: object): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  return `${encode({ alg: 'none', kid: 'own' })}.${encode(claims)}.`
}

function seconds(): number {
  return Math.floor(Date.now() / 1000)
}

function countUsers(): Promise<number> {
  return server.services.control.user.count()
}
