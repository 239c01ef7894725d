import { createHash, randomBytes } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, exportPKCS8, generateKeyPair, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accountFromClaims, presetOf } from '../../src/auth/oauth/providers.ts'
import { CookieBrowser } from '../support/cookie-browser.ts'
import { freePort } from '../support/free-port.ts'
import { type LyingProvider, startLyingProvider } from '../support/lying-provider.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

describe('what providers say of an account', () => {
  const read = (name: string, answers: Record<string, unknown>) =>
    presetOf(name).plain?.readAccount(async (url) => answers[url])

  test('GitHub: the verified primary address, whatever the profile shows', async () => {
    const user = {
      id: 42,
      login: 'ada',
      name: null,
      email: 'shown@example.com',
      avatar_url: 'https://a.example/1',
    }
    const emails = [
      { email: 'other@example.com', primary: false, verified: true },
      { email: 'ada@example.com', primary: true, verified: true },
    ]
    const answers = { 'https://api.github.com/user': user, 'https://api.github.com/user/emails': emails }
    expect(await read('github', answers)).toEqual({
      subject: '42',
      email: 'ada@example.com',
      isEmailVerified: true,
      name: 'ada',
      avatarUrl: 'https://a.example/1',
    })
    const unverified = {
      ...answers,
      'https://api.github.com/user/emails': [{ ...emails[1], verified: false }],
    }
    expect(await read('github', unverified)).toMatchObject({ email: null, isEmailVerified: false })
    expect(await read('github', { 'https://api.github.com/user': { message: 'Bad credentials' } })).toBeNull()
  })

  test('Discord: verified only if it says so', async () => {
    const user = {
      id: '80351110224678912',
      username: 'nelly',
      global_name: 'Nelly',
      email: 'n@example.com',
      avatar: 'a1',
    }
    const url = 'https://discord.com/api/users/@me'
    expect(await read('discord', { [url]: { ...user, verified: true } })).toMatchObject({
      subject: '80351110224678912',
      isEmailVerified: true,
      name: 'Nelly',
      avatarUrl: 'https://cdn.discordapp.com/avatars/80351110224678912/a1.png',
    })
    expect(await read('discord', { [url]: user })).toMatchObject({ isEmailVerified: false })
  })

  test('Facebook: an address, never a verified one', async () => {
    const url = 'https://graph.facebook.com/v23.0/me?fields=id,name,email,picture'
    const user = {
      id: '7',
      name: 'Ada',
      email: 'ada@example.com',
      picture: { data: { url: 'https://f.example/p' } },
    }
    expect(await read('facebook', { [url]: user })).toEqual({
      subject: '7',
      email: 'ada@example.com',
      isEmailVerified: false,
      name: 'Ada',
      avatarUrl: 'https://f.example/p',
    })
  })

  test('Microsoft: an address of a domain that was proven, not what a tenant writes there', () => {
    const claims = { sub: 'x', email: 'ceo@example.com', email_verified: true }
    const verified = (more: object) =>
      accountFromClaims(presetOf('microsoft'), { ...claims, ...more })?.isEmailVerified
    expect([verified({}), verified({ xms_edov: false }), verified({ xms_edov: '0' })]).toEqual([
      false,
      false,
      false,
    ])
    expect([verified({ xms_edov: true }), verified({ xms_edov: 1 }), verified({ xms_edov: '1' })]).toEqual([
      true,
      true,
      true,
    ])
  })

  test('OpenID Connect: nothing that is not of its type', () => {
    const preset = presetOf('any-other')
    const odd = {
      sub: 'x',
      email: ['a@example.com'],
      email_verified: 1,
      name: {},
      picture: 'javascript:alert(1)',
    }
    const nothing = { subject: 'x', email: null, isEmailVerified: false, name: null, avatarUrl: null }
    expect(accountFromClaims(preset, odd)).toEqual(nothing)
    expect(accountFromClaims(preset, { sub: 7 })).toBeNull()
    expect(accountFromClaims(preset, { sub: 'a\0b' })).toBeNull()
    // Apple's way.
    expect(accountFromClaims(presetOf('apple'), { sub: 'x', email_verified: 'true' })?.isEmailVerified).toBe(
      true,
    )
  })
})

describe('Apple', () => {
  let server: TestServer
  let project: TestProject
  let apple: LyingProvider
  let key: Awaited<ReturnType<typeof generateKeyPair>>

  const app = 'com.example.app:/signed-in'
  const clientId = 'com.example.app'

  beforeAll(async () => {
    const port = await freePort()
    server = await startTestServer({
      BASALT_PORT: String(port),
      BASALT_PUBLIC_URL: `http://127.0.0.1:${port}`,
      BASALT_OUTBOUND_ALLOW: '127.0.0.0/8',
    })
    project = await server.createProject()
    apple = await startLyingProvider(clientId)
    key = await generateKeyPair('ES256', { extractable: true })
    const provider = { enabled: true, clientId, issuer: apple.issuer, teamId: 'TEAM', keyId: 'KEY' }
    const settings = { redirectUrls: [app], providers: { apple: provider } }
    const secrets = { providers: { apple: await exportPKCS8(key.privateKey) } }
    const { status } = await project.call('PATCH', '/auth/settings', { body: { settings, secrets } })
    expect(status).toBe(200)
  })

  afterAll(async () => {
    await apple.stop()
    await server.stop()
  })

  test('answers by a form, tells the name once, and wants a secret that the team signed', async () => {
    const codeVerifier = randomBytes(32).toString('base64url')
    const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url')
    const begun = await project.call('POST', '/auth/sign-in/oauth/apple', {
      as: project.publishable,
      body: { redirectTo: app, codeChallenge },
    })
    const browser = new CookieBrowser()
    const started = await browser.get(begun.body.url)
    expect(started.headers.getSetCookie()[0]).toMatch(/; SameSite=None; Secure$/)
    const target = new URL(started.headers.get('location') ?? '')
    expect(target.searchParams.get('response_mode')).toBe('form_post')
    expect(target.searchParams.get('scope')).toBe('openid name email')

    apple.nextToken = () =>
      apple.sign(apple.claims({ nonce: target.searchParams.get('nonce'), email_verified: 'true' }))
    const form = new URLSearchParams({
      state: target.searchParams.get('state') ?? '',
      code: 'a code',
      user: JSON.stringify({ name: { firstName: 'Ada', lastName: 'Lovelace' }, email: 'else@example.com' }),
    })
    const callback = target.searchParams.get('redirect_uri') ?? ''
    const stranger = await new CookieBrowser().send(callback, { method: 'POST', body: form })
    expect(stranger.status).toBe(400)
    const back = await browser.send(callback, { method: 'POST', body: form })
    const landed = new URL(back.headers.get('location') ?? '')
    expect([back.status, landed.protocol]).toEqual([303, 'com.example.app:'])

    const code = new URLSearchParams(landed.hash.slice(1)).get('code')
    const { status, body } = await project.call('POST', '/auth/sign-in/oauth/exchange', {
      as: project.publishable,
      body: { code, codeVerifier },
    })
    expect(status).toBe(200)
    expect(body.user).toMatchObject({
      email: 'victim@example.com',
      isEmailVerified: true,
      profile: { name: 'Ada Lovelace' },
    })

    const clientSecret = apple.lastRequest.get('client_secret') ?? ''
    expect(decodeProtectedHeader(clientSecret)).toMatchObject({ alg: 'ES256', kid: 'KEY' })
    expect(decodeJwt(clientSecret)).toMatchObject({
      iss: 'TEAM',
      sub: clientId,
      aud: 'https://appleid.apple.com',
    })
    await expect(jwtVerify(clientSecret, key.publicKey)).resolves.toBeDefined()
    expect(apple.lastRequest.get('code_verifier')).toHaveLength(43)
  })

  test('no other route takes forms', async () => {
    const response = await fetch(`${server.url}/v1/projects/${project.ref}/auth/sign-in`, {
      method: 'POST',
      headers: { 'x-api-key': project.publishable, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'email=a%40example.com&password=x',
    })
    expect(response.status).toBe(415)
  })
})
