import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
)
const client = { id: 'basalt-test', secret: 'a secret of the client' }
const password = 'a rather long phrase'

// The client as apps bundle it, on a page of another origin than the server's.
describe.skipIf(executablePath === undefined)(
  'the client in Chromium (skipped where none is installed)',
  () => {
    let server: TestServer
    let project: TestProject
    let idp: IdentityProvider
    let pages: Server
    let browser: Browser
    let context: BrowserContext
    let refreshes: number
    let people = 0

    beforeAll(async () => {
      const port = await freePort()
      const publicUrl = `http://127.0.0.1:${port}`
      server = await startTestServer({
        BASALT_PORT: String(port),
        BASALT_PUBLIC_URL: publicUrl,
        BASALT_OUTBOUND_ALLOW: '127.0.0.0/8',
      })
      project = await server.createProject()
      const redirectUri = `${publicUrl}/v1/projects/${project.ref}/auth/sign-in/oauth/acme/callback`
      idp = await startIdentityProvider({ ...client, redirectUri })
      pages = await servePage()
      await allow({
        redirectUrls: [appUrl()],
        providers: { acme: { enabled: true, clientId: client.id, issuer: idp.issuer } },
        passkeys: { enabled: true, rpId: 'localhost', origins: [new URL(appUrl()).origin] },
      })
      browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
    })

    beforeEach(async () => {
      context = await browser.newContext()
      refreshes = 0
      context.on('request', (request) => {
        if (request.method() === 'POST' && request.url().endsWith('/auth/token')) refreshes += 1
      })
    })

    afterEach(() => context.close())

    afterAll(async () => {
      await browser?.close()
      await new Promise((resolve) => pages.close(resolve))
      await idp.stop()
      await server.stop()
    })

    test('whoever signed up is still signed in after a reload, and out after signing out', async () => {
      const tab = await openTab()
      const email = await signUp(tab)
      await tab.reload()
      expect(await user(tab)).toMatchObject({ email })
      expect(await run(tab, 'basalt.auth.getUser()')).toMatchObject({ email })
      await run(tab, 'basalt.auth.signOut()')
      await tab.reload()
      expect(await user(tab)).toBeNull()
    })

    test('two tabs refresh once for both, and stay signed in', async () => {
      const { tabs, email } = await twoTabsThatAreDue()
      await Promise.all(tabs.map((tab) => run(tab, 'basalt.auth.getUser()')))
      expect(refreshes).toBe(1)
      for (const tab of tabs) expect(await user(tab)).toMatchObject({ email })
    })

    test('without Web Locks two tabs may both refresh, and stay signed in', async () => {
      await context.addInitScript(`Object.defineProperty(navigator, 'locks', { value: undefined })`)
      const { tabs, email } = await twoTabsThatAreDue()
      await Promise.all(tabs.map((tab) => run(tab, 'basalt.auth.getUser()')))
      await makeDue(tabs)
      for (const tab of tabs) expect(await run(tab, 'basalt.auth.getUser()')).toMatchObject({ email })
      expect(refreshes).toBeGreaterThanOrEqual(2)
    })

    test('signing in and out in one tab reaches the other', async () => {
      const tabs = [await openTab(), await openTab()] as const
      const seen = () => run(tabs[1], 'states.at(-1)')
      await signUp(tabs[0])
      await expect.poll(seen).toBe('signedIn')
      await run(tabs[0], 'basalt.auth.signOut()')
      await expect.poll(seen).toBe('signedOut')
    })

    test('the redirect to a provider and back signs in, and leaves no code in the address', async () => {
      const email = newEmail()
      idp.user = { sub: email, email, email_verified: true, name: 'Ada' }
      const tab = await openTab()
      void run(tab, `basalt.auth.signInWithOAuth('acme')`).catch(() => undefined) // The page goes away.
      await tab.waitForURL(/#code=/)
      expect(await run(tab, 'basalt.auth.handleRedirect()')).toMatchObject({ user: { email } })
      expect(tab.url()).toBe(appUrl())
      await tab.reload()
      expect(await user(tab)).toMatchObject({ email })
    })

    test('the redirect to a provider and back links it to whoever is signed in', async () => {
      const elsewhere = newEmail()
      idp.user = { sub: elsewhere, email: elsewhere, email_verified: true, name: 'Ada' }
      const tab = await openTab()
      const email = await signUp(tab)
      void run(tab, `basalt.auth.identities.link('acme')`).catch(() => undefined)
      await tab.waitForURL(/#code=/)
      expect(await run(tab, 'basalt.auth.handleRedirect()')).toMatchObject({ user: { email } })
      expect(await run(tab, 'basalt.auth.identities.list()')).toMatchObject([{ provider: 'acme' }])
      await run(tab, 'basalt.auth.signOut()')
      void run(tab, `basalt.auth.signInWithOAuth('acme')`).catch(() => undefined)
      await tab.waitForURL(/#code=/)
      expect(await run(tab, 'basalt.auth.handleRedirect()')).toMatchObject({ user: { email } })
    })

    test('passkeys are renamed, prove again who is there, and are removed', async () => {
      const tab = await openTab()
      await plugIn(tab)
      await signUp(tab)
      const { id } = (await run(tab, 'basalt.auth.passkeys.add()')) as { id: string }
      await run(tab, `basalt.auth.passkeys.rename('${id}', 'Desk')`)
      expect(await run(tab, 'basalt.auth.passkeys.list()')).toMatchObject([{ id, name: 'Desk' }])
      for (const proof of [`stepUp({ passkey: true })`, `verifyFactor({ passkey: true })`]) {
        expect(await run(tab, `basalt.auth.${proof}`)).toMatchObject({ factorRequired: false })
      }
      await run(tab, `basalt.auth.passkeys.remove('${id}')`)
      expect(await run(tab, 'basalt.auth.passkeys.list()')).toEqual([])
    })

    test('a passkey is added, and signs in', async () => {
      const tab = await openTab()
      await plugIn(tab)
      const email = await signUp(tab)
      expect(await run(tab, `basalt.auth.passkeys.add({ name: 'Laptop' })`)).toMatchObject({
        name: 'Laptop',
      })
      await run(tab, 'basalt.auth.signOut()')
      expect(await run(tab, 'basalt.auth.signInWithPasskey()')).toMatchObject({ user: { email } })
    })

    test('cookies keep a session too, for HTTP where asked', async () => {
      const tab = await openTab()
      await run(tab, 'useCookies()')
      const email = await signUp(tab)
      await tab.reload()
      await run(tab, 'useCookies()')
      expect(await user(tab)).toMatchObject({ email })
      await run(tab, 'basalt.auth.signOut()')
      expect(await context.cookies(appUrl())).toEqual([])
    })

    async function plugIn(tab: Page): Promise<void> {
      const devTools = await context.newCDPSession(tab)
      await devTools.send('WebAuthn.enable')
      await devTools.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          protocol: 'ctap2',
          transport: 'internal',
          hasResidentKey: true,
          hasUserVerification: true,
          isUserVerified: true,
          automaticPresenceSimulation: true,
        },
      })
    }

    async function servePage(): Promise<Server> {
      const { outputFiles } = await build({
        entryPoints: [fileURLToPath(new URL('../../client-sdk/src/client.ts', import.meta.url))],
        bundle: true,
        format: 'iife',
        globalName: 'Client',
        target: 'es2022',
        platform: 'browser',
        write: false,
      })
      const options = { url: server.url, project: project.ref, key: project.publishable }
      const script = `${outputFiles[0]!.text}
        const options = ${JSON.stringify(options)}
        let basalt = Client.createClient(options)
        const states = []
        basalt.auth.onAuthStateChange(({ status }) => states.push(status))
        function useCookies() {
          basalt = Client.createClient({ ...options, auth: { storage: Client.cookieStorage(undefined, { secure: false }) } })
        }`
      const app = createServer((_request, response) => {
        response.setHeader('content-type', 'text/html').end(`<title>App</title><script>${script}</script>`)
      })
      await new Promise<void>((resolve) => app.listen(0, 'localhost', resolve))
      return app
    }

    function appUrl(): string {
      return `http://localhost:${(pages.address() as AddressInfo).port}/`
    }

    async function allow(settings: object): Promise<void> {
      const secrets = { providers: { acme: client.secret } }
      const { status, body } = await project.call('PATCH', '/auth/settings', { body: { settings, secrets } })
      expect([status, body]).toEqual([200, expect.anything()])
    }

    async function openTab(): Promise<Page> {
      const tab = await context.newPage()
      await tab.goto(appUrl())
      return tab
    }

    /** What an expression comes to in the page. */
    const run = (tab: Page, expression: string): Promise<unknown> => tab.evaluate(expression)

    const user = (tab: Page) =>
      run(tab, 'basalt.auth.getSession().then((session) => session && session.user)')

    function newEmail(): string {
      people += 1
      return `person${people}@example.com`
    }

    async function signUp(tab: Page): Promise<string> {
      const email = newEmail()
      await run(tab, `basalt.auth.signUp(${JSON.stringify({ email, password })})`)
      return email
    }

    async function twoTabsThatAreDue(): Promise<{ tabs: Page[]; email: string }> {
      const tabs = [await openTab(), await openTab()]
      const email = await signUp(tabs[0]!)
      await makeDue(tabs)
      return { tabs, email }
    }

    /** As fourteen minutes later. */
    async function makeDue(tabs: Page[]): Promise<void> {
      const key = JSON.stringify(`basalt-${project.ref}`)
      await run(
        tabs[0]!,
        `localStorage.setItem(${key}, JSON.stringify({ ...JSON.parse(localStorage.getItem(${key})), refreshAt: 0 }))`,
      )
      await Promise.all(tabs.map((tab) => tab.reload()))
    }
  },
)
