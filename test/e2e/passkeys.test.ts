import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
)

// Real WebAuthn in Chromium, with an authenticator that it simulates below the API.
describe.skipIf(executablePath === undefined)(
  'passkeys in Chromium (skipped where none is installed)',
  () => {
    let server: TestServer
    let project: TestProject
    let pages: Server
    let browser: Browser
    let page: Page
    let devTools: CDPSession
    let authenticatorId: string | undefined
    let people = 0

    beforeAll(async () => {
      server = await startTestServer()
      project = await server.createProject()
      pages = createServer((_request, response) =>
        response.setHeader('content-type', 'text/html').end('<title>App</title>'),
      )
      await new Promise<void>((resolve) => pages.listen(0, 'localhost', resolve))
      await allowPasskeys(project, [origin()])
      browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
    })

    beforeEach(async () => {
      await page?.close()
      page = await browser.newPage()
      await page.goto(origin())
      devTools = await page.context().newCDPSession(page)
      await devTools.send('WebAuthn.enable')
      authenticatorId = undefined
      await plugIn('internal')
    })

    afterAll(async () => {
      await browser?.close()
      await new Promise((resolve) => pages.close(resolve))
      await server.stop()
    })

    test('a passkey that was added signs its user in, without a name or a password, at two factors', async () => {
      const ada = await signUp()
      const added = await add(ada, 'Laptop')
      expect(added).toMatchObject({ status: 201, body: { name: 'Laptop', lastUsedAt: null } })
      const { status, body } = await signIn()
      expect(status).toBe(200)
      expect(body.user).toMatchObject({ id: ada.user.id, email: ada.user.email })
      expect(claimsOf(body.accessToken)).toMatchObject({
        amr: [expect.stringMatching(/^[hs]wk$/), 'user'],
        aal: 2,
      })
      const { body: mine } = await as(body, 'GET', '/auth/passkeys')
      expect(mine.passkeys).toMatchObject([{ id: added.body.id, lastUsedAt: expect.any(String) }])
      expect(JSON.stringify(mine)).not.toMatch(/publicKey|counter|credential/i)
    })

    test('an authenticator that did not verify its user counts as one factor', async () => {
      await plugIn('usb')
      const session = await signUp()
      const made = await as(session, 'POST', '/auth/passkeys/registration/options')
      const registered = await createCredential(made.body.options)
      await as(session, 'POST', '/auth/passkeys/registration/verify', { response: registered })
      const { options } = (await post('/auth/passkeys/authentication/options')).body
      const allowCredentials = [{ type: 'public-key', id: registered.id }]
      const response = await getCredential({ ...options, allowCredentials, userVerification: 'discouraged' })
      const { status, body } = await post('/auth/passkeys/authentication/verify', { response })
      expect([status, claimsOf(body.accessToken).aal]).toEqual([200, 1])
    })

    test('an answer works once among fifty, and never again', async () => {
      await add(await signUp())
      const response = await getCredential((await post('/auth/passkeys/authentication/options')).body.options)
      const verify = () => post('/auth/passkeys/authentication/verify', { response })
      const uses = await Promise.all(Array.from({ length: 50 }, verify))
      expect(uses.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(uses.filter(({ body }) => body.code === 'code_invalid')).toHaveLength(49)
      expect((await verify()).status).toBe(400)
    })

    test('a page of another origin, another challenge and another project are refused', async () => {
      const ada = await signUp()
      await add(ada)
      await allowPasskeys(project, ['http://localhost:1'])
      expect((await signIn()).status).toBe(401)
      await allowPasskeys(project, [origin()])

      const { options } = (await post('/auth/passkeys/authentication/options')).body
      const made = await getCredential({
        ...options,
        challenge: Buffer.from('made.up').toString('base64url'),
      })
      expect((await post('/auth/passkeys/authentication/verify', { response: made })).body.code).toBe(
        'code_invalid',
      )

      const other = await server.createProject()
      await allowPasskeys(other, [origin()])
      const theirs = await other.call('POST', '/auth/passkeys/authentication/options', {
        as: other.publishable,
      })
      const response = await getCredential(theirs.body.options)
      expect((await post('/auth/passkeys/authentication/verify', { response })).status).toBe(400)
      const there = await other.call('POST', '/auth/passkeys/authentication/verify', {
        as: other.publishable,
        body: { response },
      })
      expect(there.status).toBe(401)
    })

    test('a signature over something else is refused', async () => {
      await add(await signUp())
      const response = await getCredential((await post('/auth/passkeys/authentication/options')).body.options)
      const signature = Buffer.from(response.response.signature ?? '', 'base64url')
      signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1
      response.response.signature = signature.toString('base64url')
      expect((await post('/auth/passkeys/authentication/verify', { response })).status).toBe(401)
    })

    test('a counter that went back is a copied authenticator, and refused', async () => {
      const ada = await signUp()
      await add(ada)
      await server.services.control.passkey.updateMany({
        where: { userId: ada.user.id },
        data: { counter: 1000 },
      })
      expect((await signIn()).status).toBe(401)
      await server.services.control.passkey.updateMany({
        where: { userId: ada.user.id },
        data: { counter: 1 },
      })
      expect((await signIn()).status).toBe(200)
    })

    test('a registration is for the user who asked for it', async () => {
      const [ada, bob] = [await signUp(), await signUp()]
      const { options } = (await as(ada, 'POST', '/auth/passkeys/registration/options')).body
      const response = await createCredential(options)
      const body = { response }
      expect((await as(bob, 'POST', '/auth/passkeys/registration/verify', body)).body.code).toBe(
        'code_invalid',
      )
      expect((await as(ada, 'POST', '/auth/passkeys/registration/verify', body)).status).toBe(201)
      expect((await as(ada, 'POST', '/auth/passkeys/registration/verify', body)).body.code).toBe(
        'code_invalid',
      )
      await expect(add(ada)).rejects.toThrow(/InvalidStateError|previously registered/)
    })

    test('passkeys are renamed and removed by their owner, but never the last way in', async () => {
      const { body: nobody } = await post('/auth/sign-in/anonymous')
      const { body: passkey } = await add(nobody)
      const { body: session } = await signIn()
      expect(session.user).toMatchObject({ id: nobody.user.id, isAnonymous: false })
      const path = `/auth/passkeys/${passkey.id}`
      const stranger = await signUp()
      expect((await as(stranger, 'PATCH', path, { name: 'Mine' })).status).toBe(404)
      expect((await as(stranger, 'DELETE', path)).status).toBe(404)
      expect((await as(session, 'PATCH', path, { name: 'Phone' })).body.name).toBe('Phone')
      expect((await as(session, 'DELETE', path)).body.code).toBe('conflict')
      await add(stranger, 'Key')
      const { body } = await as(stranger, 'GET', '/auth/passkeys')
      expect((await as(stranger, 'DELETE', `/auth/passkeys/${body.passkeys[0].id}`)).status).toBe(204)
      expect((await as(stranger, 'GET', '/auth/passkeys')).body.passkeys).toEqual([])
    })

    test('a passkey beside the password is a second factor, by presence alone', async () => {
      await plugIn('usb')
      const ada = await signUp()
      await add(ada)
      const session = await signInByPassword(ada)
      expect(claimsOf(session.accessToken).aal).toBe(1)
      const response = await prove(session, { userVerification: 'discouraged' })
      const shown = await as(session, 'POST', '/auth/factors/verify', { passkey: response })
      expect(shown.status).toBe(200)
      expect(claimsOf(shown.body.accessToken)).toMatchObject({
        aal: 2,
        amr: ['pwd', expect.stringMatching(/^[hs]wk$/), 'user', 'mfa'],
      })
      const again = await as(session, 'POST', '/auth/factors/verify', { passkey: response })
      expect([again.status, again.body.code]).toEqual([400, 'code_invalid'])
    })

    test('a passkey twice is one factor, unless its user is verified', async () => {
      await plugIn('usb')
      const ada = await signUp()
      const { body: passkey } = await add(ada)
      const stored = await server.services.control.passkey.findUniqueOrThrow({ where: { id: passkey.id } })
      const { options } = (await post('/auth/passkeys/authentication/options')).body
      const first = await getCredential({
        ...options,
        allowCredentials: [{ type: 'public-key', id: stored.credentialId }],
        userVerification: 'discouraged',
      })
      const { body: session } = await post('/auth/passkeys/authentication/verify', { response: first })
      expect(claimsOf(session.accessToken).aal).toBe(1)
      const present = await prove(session, { userVerification: 'discouraged' })
      const refused = await as(session, 'POST', '/auth/factors/verify', { passkey: present })
      expect(refused.body).toMatchObject({ status: 400, errors: [{ code: 'user_verification_required' }] })
      const verified = await prove(session, { userVerification: 'required' })
      const shown = await as(session, 'POST', '/auth/factors/verify', { passkey: verified })
      expect(claimsOf(shown.body.accessToken).aal).toBe(2)
    })

    test('what proves one user proves nobody else, and no sign-in', async () => {
      const [ada, eve] = [await signUp(), await signUp()]
      expect((await as(eve, 'POST', '/auth/factors/passkey/options')).body.code).toBe('conflict')
      await add(ada)
      const response = await prove(ada)
      expect((await as(eve, 'POST', '/auth/step-up', { passkey: response })).body.code).toBe('code_invalid')
      expect((await post('/auth/passkeys/authentication/verify', { response })).body.code).toBe(
        'code_invalid',
      )
      const both = await as(ada, 'POST', '/auth/step-up', { passkey: response, code: '000000' })
      expect(both.status).toBe(400)
      expect((await as(ada, 'POST', '/auth/step-up', { passkey: response })).status).toBe(200)
    })

    test('where everybody needs a second factor a passkey is one, and not got past by setting up another', async () => {
      const { control } = server.services
      const strict = await server.createProject()
      await allowPasskeys(strict, [origin()])
      await strict.call('PATCH', '/auth/settings', { body: { settings: { secondFactor: 'required' } } })
      const account = { email: 'strict@example.com', password: 'a rather long phrase' }
      const ask = (token: string, path: string, body?: object) =>
        strict.call('POST', `/auth${path}`, { as: token, body })
      const { body: session } = await ask(strict.publishable, '/sign-up', account)
      expect(session.factorRequired).toBe(true)

      const { options } = (await ask(session.accessToken, '/passkeys/registration/options')).body
      const made = await createCredential(options)
      const added = await ask(session.accessToken, '/passkeys/registration/verify', { response: made })
      expect(added.status).toBe(201)
      const { body: later } = await ask(strict.publishable, '/sign-in', account)
      for (const path of ['/factors/totp', '/passkeys/registration/options']) {
        expect((await ask(later.accessToken, path)).body.code).toBe('second_factor_required')
      }
      const { body: begun } = await ask(later.accessToken, '/factors/passkey/options')
      const passkey = await getCredential(begun.options)
      const { body: shown } = await ask(later.accessToken, '/factors/verify', { passkey })
      expect(shown.factorRequired).toBe(false)
      expect(await control.passkey.count({ where: { userId: session.user.id } })).toBe(1)
    })

    test('where passkeys are not switched on, there are none', async () => {
      const closed = await server.createProject()
      const answer = await closed.call('POST', '/auth/passkeys/authentication/options', {
        as: closed.publishable,
      })
      expect(answer.status).toBe(403)
    })

    interface Session {
      user: { id: string; email: string }
      accessToken: string
    }

    interface Credential {
      id: string
      response: { signature?: string }
    }

    async function plugIn(transport: 'internal' | 'usb'): Promise<void> {
      if (authenticatorId !== undefined)
        await devTools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
      const added = await devTools.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          protocol: 'ctap2',
          transport,
          hasResidentKey: true,
          hasUserVerification: true,
          isUserVerified: true,
          automaticPresenceSimulation: true,
        },
      })
      authenticatorId = added.authenticatorId
    }

    function origin(): string {
      return `http://localhost:${(pages.address() as AddressInfo).port}`
    }

    async function allowPasskeys(where: TestProject, origins: string[]): Promise<void> {
      const passkeys = { enabled: true, rpId: 'localhost', origins }
      const { status } = await where.call('PATCH', '/auth/settings', { body: { settings: { passkeys } } })
      expect(status).toBe(200)
    }

    async function signUp(): Promise<Session> {
      people += 1
      const account = { email: `person${people}@example.com`, password: 'a rather long phrase' }
      return (await post('/auth/sign-up', account)).body
    }

    async function add(session: Session, name?: string) {
      const { options } = (await as(session, 'POST', '/auth/passkeys/registration/options')).body
      const response = await createCredential(options)
      return as(session, 'POST', '/auth/passkeys/registration/verify', {
        response,
        ...(name !== undefined && { name }),
      })
    }

    async function signInByPassword({ user: { email } }: Session): Promise<Session> {
      return (await post('/auth/sign-in', { email, password: 'a rather long phrase' })).body
    }

    async function prove(session: Session, more: object = {}): Promise<Credential> {
      const { body } = await as(session, 'POST', '/auth/factors/passkey/options')
      return getCredential({ ...body.options, ...more })
    }

    async function signIn() {
      const response = await getCredential((await post('/auth/passkeys/authentication/options')).body.options)
      return post('/auth/passkeys/authentication/verify', { response })
    }

    function createCredential(options: unknown): Promise<Credential> {
      return inPage(
        `navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(${JSON.stringify(options)}) })`,
      )
    }

    function getCredential(options: unknown): Promise<Credential> {
      return inPage(
        `navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(${JSON.stringify(options)}) })`,
      )
    }

    function inPage(expression: string): Promise<Credential> {
      return page.evaluate(`${expression}.then((credential) => credential.toJSON())`)
    }

    function as({ accessToken }: Session, method: string, path: string, body?: object) {
      return project.call(method, path, { as: accessToken, body })
    }

    function post(path: string, body?: object) {
      return project.call('POST', path, { as: project.publishable, body })
    }

    function claimsOf(token: string): { aal: number } {
      return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    }
  },
)
