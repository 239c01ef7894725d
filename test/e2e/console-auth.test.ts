import { readFile } from 'node:fs/promises'
import { Secret, TOTP } from 'otpauth'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOperator, password as operatorPassword } from '../isolation/victim.ts'
import { chromiumPath, startConsole, type TestConsole } from '../support/console.ts'
import type { TestProject } from '../support/server.ts'

const password = 'a rather long phrase'

describe.skipIf(chromiumPath === undefined)(
  'the console’s pages of users, mail and sign-in (skipped where no Chromium is installed)',
  () => {
    let console: TestConsole
    let page: Page
    let project: TestProject
    let base: string

    beforeAll(async () => {
      console = await startConsole()
      page = console.page
      project = await console.server.createProject('Shop')
      base = `/console/projects/${project.ref}`
    })

    afterAll(() => console.stop())

    const go = async (path: string, on = page) => {
      await on.goto(console.server.url + base + path)
      await on.waitForSelector('main[aria-busy=false] h1')
    }
    const press = (label: string) => page.getByRole('button', { name: label, exact: true }).click()
    const agree = (label: string) =>
      page.getByRole('dialog').getByRole('button', { name: label, exact: true }).click()
    const told = (text: string) => page.getByRole('status').filter({ hasText: text }).first().waitFor()
    const byEmail = async (email: string) =>
      (await project.call('GET', `/users?email=${email}`)).body.users[0]
    const publicly = (path: string, body?: object, headers: Record<string, string> = {}) =>
      project.call('POST', path, { as: project.publishable, body, headers })

    test('an operator makes a user, finds them, and says who they are', async () => {
      await go('/users')
      await page.waitForSelector('text=Nobody has signed up yet')
      await page.click('text=New user')
      await page.getByLabel('E-mail').fill('grace@example.com')
      await page.getByLabel('Password').fill(password)
      await page.getByLabel('Roles').fill('editor, staff')
      await press('Create user')
      await told('grace@example.com is there now.')
      await page.getByLabel('The address is verified').check()
      await page.getByLabel('Claims').fill('{ "plan": "pro", "seats": { "max": 3, "used": 1 } }')
      await press('Save account')
      await told('The account is saved.')
      await page.getByLabel('Claims').fill('{ "seats": { "max": 4 } }')
      await press('Save account')
      await expect.poll(async () => (await byEmail('grace')).claims).toEqual({ seats: { max: 4 } })
      expect(await byEmail('grace')).toMatchObject({ roles: ['editor', 'staff'], isEmailVerified: true })

      await go('/users')
      await page.getByLabel('Search for').fill('nobody')
      await press('Search')
      await page.waitForSelector('text=Nobody is like that')
      await page.getByLabel('Search by').selectOption('phone')
      await press('Search')
      await page.getByRole('alert').waitFor()
      await page.getByLabel('Search by').selectOption('role')
      await page.getByLabel('Search for').fill('staff')
      await press('Search')
      await page.getByRole('link', { name: 'grace@example.com' }).click()
      await page.getByRole('heading', { name: 'grace@example.com' }).waitFor()
    })

    test('what the server refuses stands at its field', async () => {
      await go('/new-user')
      await page.getByLabel('E-mail').fill('grace@example.com')
      await press('Create user')
      await page.waitForSelector('input[name=email][aria-invalid=true]')
      expect(await page.getByLabel('E-mail').getAttribute('aria-describedby')).toMatch(/error/)
      await page.waitForSelector('text=is taken')
    })

    test('a suspended user can’t sign in until reinstated; a question comes before', async () => {
      const { id } = await byEmail('grace')
      const signIn = async () =>
        (await publicly('/auth/sign-in', { email: 'grace@example.com', password })).status
      await go(`/users/${id}`)
      await press('Suspend')
      await agree('Cancel')
      expect(await signIn()).toBe(200)
      await press('Suspend')
      await agree('Suspend')
      await told('is suspended')
      expect(await signIn()).toBe(403)
      await press('Reinstate')
      await told('may sign in again')
      expect(await signIn()).toBe(200)
    })

    test('devices are signed out one by one, or all', async () => {
      const { id } = await byEmail('grace')
      await project.call('DELETE', `/users/${id}/sessions`)
      const open = async (name: string) =>
        (
          await publicly(
            '/auth/sign-in',
            { email: 'grace@example.com', password },
            { 'x-device-name': name, 'user-agent': '<b>agent</b>' },
          )
        ).body.accessToken
      const [phone, tablet] = [await open('Phone'), await open('Tablet')]
      await go(`/users/${id}`)
      const row = page.getByRole('row').filter({ hasText: 'Phone' })
      await row.getByRole('button', { name: 'End' }).click()
      await told('The session is over.')
      const isIn = async (as: string) => (await project.call('GET', '/auth/sessions', { as })).status
      expect([await isIn(phone), await isIn(tablet)]).toEqual([401, 200])
      await press('Sign out everywhere')
      await agree('Sign out everywhere')
      await told('signed out everywhere')
      expect(await isIn(tablet)).toBe(401)
      await page.waitForSelector('text=The user is signed in nowhere.')
    })

    test('a lost factor is taken away, after a question, and what is known of it is shown', async () => {
      const { id } = await byEmail('grace')
      const signedIn = await publicly('/auth/sign-in', { email: 'grace@example.com', password })
      const as = signedIn.body.accessToken
      const body = { name: 'Old phone' }
      const app = (await project.call('POST', '/auth/factors/totp', { as, body })).body
      const code = new TOTP({ secret: Secret.fromBase32(app.secret) }).generate()
      await project.call('POST', `/auth/factors/${app.id}/confirm`, { as, body: { code } })
      await go(`/users/${id}`)
      expect(await page.content()).not.toContain(app.secret)
      const row = page.getByRole('row').filter({ hasText: 'Old phone' })
      await row.getByRole('button', { name: 'Remove' }).click()
      await agree('Remove')
      await told('It is removed')
      await page.waitForSelector('text=no authenticator app and no passkey')
      expect(await byEmail('grace')).toMatchObject({ hasSecondFactor: false })
    })

    test('an account at a provider is unlinked, and the last way in after a second question', async () => {
      const line = JSON.stringify({ id: 'linked', identities: [{ provider: 'github', subject: 'octo' }] })
      const headers = { 'content-type': 'application/x-ndjson' }
      expect((await project.call('POST', '/users/import', { body: line, headers })).body.imported).toBe(1)
      await go('/users/linked')
      const row = page.getByRole('row').filter({ hasText: 'octo' })
      const identities = async () => (await project.call('GET', '/users/linked')).body.identities
      await row.getByRole('button', { name: 'Unlink' }).click()
      await agree('Unlink')
      await page.getByRole('dialog').filter({ hasText: 'the last way in' }).waitFor()
      await agree('Cancel')
      expect(await identities()).toHaveLength(1)
      await row.getByRole('button', { name: 'Unlink' }).click()
      await agree('Unlink')
      await page.getByRole('dialog').filter({ hasText: 'the last way in' }).waitFor()
      await agree('Unlink all the same')
      await told('It is unlinked')
      expect(await identities()).toEqual([])
      await project.call('DELETE', '/users/linked')
    })

    test('impersonation warns, shows its tokens once, and marks the session', async () => {
      const { id } = await byEmail('grace')
      await go(`/users/${id}`)
      await press('Impersonate')
      expect(await page.getByRole('dialog').innerText()).toContain('audit log')
      await agree('Act as this user')
      const token = await page.locator('#notices code').first().innerText()
      const me = await project.call('GET', '/auth/me', { as: token })
      expect(me.body).toMatchObject({ email: 'grace@example.com' })
      await page.waitForSelector('td >> text=impersonated')
      await page.reload()
      await page.waitForSelector('td >> text=impersonated')
      expect(await page.content()).not.toContain(token)
    })

    test('users are imported from a file and exported into one, and are turned over page by page', async () => {
      await go('/import-users')
      const lines = Array.from({ length: 60 }, (_, n) => JSON.stringify({ email: `reader${n}@example.com` }))
      const buffer = Buffer.from([...lines, '{ "email": 7 }'].join('\n'))
      await page
        .getByLabel('File')
        .setInputFiles({ name: 'users.ndjson', mimeType: 'application/x-ndjson', buffer })
      await press('Import')
      await told('Imported: 60. Refused: 1.')
      expect(await page.getByRole('row').last().innerText()).toContain('61')

      await go('/users')
      await page.waitForSelector('text=61 users')
      expect(await page.getByRole('row').count()).toBe(51)
      await page.click('text=Next page')
      await page.waitForSelector('text=First page')
      await page.getByRole('link', { name: 'grace@example.com' }).waitFor()
      const downloading = page.waitForEvent('download')
      await page.click('text=Export')
      const file = await readFile(await (await downloading).path(), 'utf8')
      expect(file.trim().split('\n')).toHaveLength(61)
    })

    test('a deleted user is gone, after a question', async () => {
      const { id } = await byEmail('reader7')
      await go(`/users/${id}`)
      await press('Delete')
      await page.keyboard.press('Escape')
      expect((await project.call('GET', `/users/${id}`)).status).toBe(200)
      await press('Delete')
      await agree('Delete for good')
      await told('is deleted')
      expect((await project.call('GET', `/users/${id}`)).status).toBe(404)
    })

    test('a template is changed beside its preview, and mails follow it', async () => {
      await go('/mail/templates/sign_in_code/en')
      const preview = page.frameLocator('iframe')
      await preview.getByText('123456').waitFor()
      await page.getByLabel('Subject').fill('{{password}}')
      await page.waitForSelector('text={{password}} is not known here')
      await page.getByLabel('Subject').fill('Welcome to {{app}}: {{code}}')
      const html = `<p style="color: rgb(1, 2, 3)">Code {{code}}</p>
        <script>document.body.append('it ran')</script><img src="data:," onerror="document.body.append('it ran')">`
      await page.getByLabel('HTML').fill(html)
      await preview.getByText('Code 123456').waitFor()
      // Mails bring their own styles; the console’s policy would take them away.
      const color = `getComputedStyle(document.querySelector('iframe').contentDocument.querySelector('p')).color`
      expect(await page.evaluate(color)).toBe('rgb(1, 2, 3)')
      expect(await page.getByLabel('Preview', { exact: true }).innerText()).toContain(
        'Welcome to Shop: 123456',
      )
      await press('Save template')
      await told('is saved')
      await page.waitForSelector('text=changed')
      await publicly('/auth/sign-in/otp', { email: 'reader1@example.com' })
      await expect
        .poll(async () => (await project.call('GET', '/auth/mails')).body.mails[0]?.subject)
        .toMatch(/^Welcome to Shop: \d{6}$/)
    })

    test('a mail in the outbox is read as text and as HTML, in which nothing runs', async () => {
      await go('/mail')
      await page.waitForSelector('text=No mail server is set')
      await page.getByRole('link', { name: 'reader1@example.com' }).first().click()
      const heading = await page.getByRole('heading', { name: 'Welcome to Shop' }).innerText()
      const code = heading.split(' ').at(-1) ?? ''
      expect(await page.locator('pre').innerText()).toContain(code)
      const mail = page.frameLocator('iframe')
      await mail.getByText(`Code ${code}`).waitFor()
      await mail.locator('img').waitFor({ state: 'attached' })
      expect(await mail.locator('body').innerText()).not.toContain('it ran')
      await press('Send now')
      await page.getByRole('alert').filter({ hasText: 'no server' }).waitFor()
      const signedIn = await publicly('/auth/verify', { email: 'reader1@example.com', code })
      expect(signedIn.status).toBe(200)
    })

    test('a mail server is set, and its password never comes back', async () => {
      await go('/mail/server')
      await page.getByLabel('Host').fill('mail.example.com')
      await page.getByLabel('Sender').fill('nobody')
      await page.getByLabel('User').fill('shop')
      await page.getByLabel('Password').fill('smtp-secret')
      await press('Save server')
      await page.waitForSelector('input[name="settings.smtp.from"][aria-invalid=true]')
      await page.getByLabel('Sender').fill('Shop <no-reply@example.com>')
      await press('Save server')
      await told('The mail server is saved.')
      expect(await page.getByLabel('Password').inputValue()).toBe('')
      expect(await page.getByLabel('Password').getAttribute('placeholder')).toContain('Is set')
      await page.getByLabel('To', { exact: true }).fill('ada@example.com')
      await press('Send a test mail')
      await page.getByRole('alert').filter({ hasText: 'It was not sent' }).waitFor()
      await press('Remove server')
      await agree('Remove')
      await told('is removed')
      const { body } = await project.call('GET', '/auth/settings')
      expect([body.settings.smtp, body.secrets.smtpPassword.isSet]).toEqual([undefined, false])
    })

    test('a way in that is switched off is off; what is wrong stands at its field, and nothing is saved', async () => {
      const anonymously = async () => (await publicly('/auth/sign-in/anonymous')).status
      expect(await anonymously()).toBe(201)
      await go('/sign-in')
      await page.getByLabel('Anonymous', { exact: true }).uncheck()
      await page.getByLabel('Redirect addresses').fill('javascript:alert(1)')
      await press('Save settings')
      await page.waitForSelector('textarea[aria-invalid=true]')
      expect(await anonymously()).toBe(201)
      await page.getByLabel('Redirect addresses').fill('https://app.example.com/\ncom.example.app:/')
      await page.getByLabel('Days without use').fill('14')
      await press('Save settings')
      await told('Saved.')
      expect(await anonymously()).toBe(403)
      const { body } = await project.call('GET', '/auth/settings')
      expect(body.settings).toMatchObject({
        redirectUrls: ['https://app.example.com/', 'com.example.app:/'],
        sessions: { idleDays: 14, absoluteDays: 365 },
        // What the form doesn’t touch stays.
        templates: { sign_in_code: { en: { subject: 'Welcome to {{app}}: {{code}}' } } },
      })
    })

    test('a provider is added with a secret that is never shown again, and removed', async () => {
      await go('/sign-in/new-provider')
      await press('Continue')
      await page.getByRole('heading', { name: 'Google' }).waitFor()
      expect(await page.locator('pre').innerText()).toContain(
        `/${project.ref}/auth/sign-in/oauth/google/callback`,
      )
      await page.getByLabel('Client id', { exact: true }).fill('1234.apps.googleusercontent.com')
      await page.getByLabel('Client secret').fill('very-secret')
      await press('Save provider')
      await told('Google is saved.')
      await page.getByRole('row').filter({ hasText: 'is set' }).getByRole('link').click()
      await page.getByRole('heading', { name: 'Google' }).waitFor()
      expect(await page.content()).not.toContain('very-secret')
      await press('Remove provider')
      await agree('Remove')
      await told('Google is removed.')
      const { body } = await project.call('GET', '/auth/settings')
      expect([body.settings.providers, body.secrets.providers]).toEqual([{}, {}])
    })

    test('what was done is in the audit log, and the signing key is rotated after a question', async () => {
      const kids = async () =>
        (await project.call('GET', '/auth/.well-known/jwks.json')).body.keys.map(
          ({ kid }: { kid: string }) => kid,
        )
      const before = await kids()
      await go('/sign-in')
      await press('Rotate the key')
      await agree('Rotate')
      await told('new key')
      expect(await kids()).toEqual(expect.arrayContaining(before))
      expect((await kids()).length).toBe(before.length + 1)
      await page.click('text=Audit log')
      await page.getByRole('cell', { name: 'signing_key.rotate' }).waitFor()
      await page.getByRole('cell', { name: 'user.impersonate' }).first().waitFor()
    })

    test('a viewer sees it all and changes nothing', async () => {
      const email = 'victor@example.com'
      await createOperator(console.server, email)
      const { body } = await console.server.call('GET', `/v1/projects/${project.ref}`, {
        as: console.server.operator,
      })
      await console.server.call('POST', `/v1/organizations/${body.organizationId}/members`, {
        as: console.server.operator,
        body: { email, role: 'viewer' },
      })
      const viewers = await console.open('/console', { email, password: operatorPassword })
      const { id } = await byEmail('grace')
      const [mail] = (await project.call('GET', '/auth/mails')).body.mails
      const secretive = `/mail/outbox/${mail.id}`
      for (const path of ['/users', `/users/${id}`, '/mail/server', '/sign-in', '/audit', secretive, '']) {
        await go(path, viewers)
        expect(await viewers.getByText('Your role: viewer').count()).toBe(1)
        const buttons = await viewers.locator('main button').allInnerTexts()
        expect(buttons).toEqual(path === '/users' ? ['Search'] : [])
        expect(await viewers.locator('main form:not([role=search]) :enabled').count()).toBe(0)
      }
      await go(secretive, viewers)
      await viewers.waitForSelector('text=shown to developers only')
      const refused = await viewers.evaluate(
        async (url) => (await fetch(url, { method: 'DELETE' })).status,
        `/v1/projects/${project.ref}/users/${id}`,
      )
      expect(refused).toBe(403)
      await viewers.context().close()
    })

    test('at the width of a phone nothing hangs over, and no page broke a rule', async () => {
      await page.setViewportSize({ width: 390, height: 844 })
      const { id } = await byEmail('grace')
      const paths = ['', '/users', `/users/${id}`, '/new-user', '/import-users', '/mail', '/mail/templates']
      for (const path of [...paths, '/mail/templates/magic_link/de', '/mail/server', '/sign-in', '/audit']) {
        await go(path)
        const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect({ path, over }).toEqual({ path, over: 0 })
      }
      expect(console.faults).toEqual([])
    })
  },
)
