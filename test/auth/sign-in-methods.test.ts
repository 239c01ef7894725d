import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

/** What somebody signs in with beside the password: told when it changes, and taken away by servers. */

let server: TestServer
let project: TestProject
let number = 0
const password = 'a rather long phrase'

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject('Blog')
})

afterAll(() => server.stop())

interface Someone {
  id: string
  email: string
  token: string
  refreshToken: string
}

async function signUp(profile: object = {}): Promise<Someone> {
  const email = `someone${number++}@example.com`
  const body = { email, password, profile }
  const { body: session } = await project.call('POST', '/auth/sign-up', { as: project.publishable, body })
  return { id: session.user.id, email, token: session.accessToken, refreshToken: session.refreshToken }
}

const as = ({ token }: Someone, method: string, path: string, body?: object, language = 'en') =>
  project.call(method, path, { as: token, body, headers: { 'accept-language': language } })

const signIn = async ({ email }: Someone) =>
  (await project.call('POST', '/auth/sign-in', { as: project.publishable, body: { email, password } })).body

async function addApp(someone: Someone, name?: string, language?: string): Promise<string> {
  const { body: app } = await as(someone, 'POST', '/auth/factors/totp', name === undefined ? {} : { name })
  const code = new TOTP({ secret: Secret.fromBase32(app.secret) }).generate()
  const confirmed = await as(someone, 'POST', `/auth/factors/${app.id}/confirm`, { code }, language)
  expect(confirmed.status).toBe(200)
  someone.token = confirmed.body.session.accessToken
  return app.id
}

/** As by a browser, whose ceremonies test/e2e/passkeys.test.ts goes through. */
async function insertPasskey({ id }: Someone, name: string): Promise<string> {
  const passkeyId = `pk-${id}-${number++}`
  await server.services.db.query(
    `INSERT INTO basalt.passkeys (id, project_id, user_id, credential_id, public_key, counter, transports, name)
     SELECT $1, project_id, id, $1, '', 0, '{}', $2 FROM basalt.users WHERE id = $3`,
    [passkeyId, name, id],
  )
  return passkeyId
}

async function insertIdentity({ id }: Someone, provider: string): Promise<string> {
  const identityId = `id-${id}`
  await server.services.db.query(
    `INSERT INTO basalt.user_identities (id, project_id, user_id, provider, subject)
     SELECT $1, project_id, id, $2, $1 FROM basalt.users WHERE id = $3`,
    [identityId, provider, id],
  )
  return identityId
}

/** The news that a user got, the newest last. */
async function newsOf({ email }: Someone, count: number): Promise<{ template: string; text: string }[]> {
  const read = async () => {
    const { body } = await project.call('GET', '/auth/mails?limit=100')
    return body.mails
      .filter((mail: { recipient: string; template: string }) => {
        return mail.recipient === email && mail.template.startsWith('sign_in_method')
      })
      .toReversed()
  }
  await expect.poll(async () => (await read()).length).toBe(count)
  return read()
}

async function auditOf({
  id,
}: Someone): Promise<{ action: string; detail: object; actor: { kind: string } }[]> {
  const { body } = await project.call('GET', '/audit?limit=100', { as: server.operator })
  return body.entries.filter(({ target }: { target: string }) => target === id).toReversed()
}

test('whatever is added or removed stands in the log, and its owner is told in their language', async () => {
  const ada = await signUp()
  const app = await addApp(ada, 'Phone')
  expect(await newsOf(ada, 1)).toMatchObject([
    { template: 'sign_in_method_added', text: expect.stringMatching(/app: Phone[^]*10 recovery codes/) },
  ])
  await as(ada, 'POST', '/auth/factors/recovery-codes', undefined, 'de-AT')
  const [, renewed] = await newsOf(ada, 2)
  expect(renewed?.text).toContain('10 Wiederherstellungscodes anstelle')
  expect(renewed?.text).not.toMatch(/App:|Passkey/)

  const passkey = await insertPasskey(ada, 'Laptop')
  expect((await as(ada, 'DELETE', `/auth/passkeys/${passkey}`)).status).toBe(204)
  const identity = await insertIdentity(ada, 'github')
  await newsOf(ada, 3)
  expect((await as(ada, 'DELETE', `/auth/identities/${identity}`)).status).toBe(204)
  await newsOf(ada, 4)
  expect((await as(ada, 'DELETE', `/auth/factors/${app}`)).status).toBe(204)
  expect((await newsOf(ada, 5)).slice(2)).toMatchObject([
    { template: 'sign_in_method_removed', text: expect.stringContaining('A passkey: Laptop') },
    { template: 'sign_in_method_removed', text: expect.stringContaining('An account at: github') },
    { template: 'sign_in_method_removed', text: expect.stringMatching(/app: Phone[^]*10 recovery codes/) },
  ])
  expect((await auditOf(ada)).map(({ action, detail }) => [action, detail])).toEqual([
    ['user.add_factor', { authenticator: 'Phone' }],
    ['user.renew_recovery_codes', {}],
    ['user.remove_passkey', { passkey: 'Laptop' }],
    ['user.unlink_identity', { provider: 'github' }],
    ['user.remove_factor', { authenticator: 'Phone', recoveryCodes: '10' }],
  ])
})

test('what is refused is told to nobody', async () => {
  const ada = await signUp()
  const passkey = await insertPasskey(ada, 'Only')
  const eve = await signUp()
  expect((await as(eve, 'DELETE', `/auth/passkeys/${passkey}`)).status).toBe(404)
  expect((await as(eve, 'DELETE', `/auth/identities/${passkey}`)).status).toBe(404)
  expect((await as(eve, 'DELETE', `/auth/factors/${passkey}`)).status).toBe(404)
  // Made last, so that the outbox would show the others'.
  await addApp(eve)
  await newsOf(eve, 1)
  await newsOf(ada, 0)
})

test('a server takes a lost factor away: whoever is signed in is out, and the owner is told', async () => {
  const ada = await signUp({ locale: 'de_AT' })
  const app = await addApp(ada, 'Phone')
  const passkey = await insertPasskey(ada, 'Laptop')
  const path = `/users/${ada.id}/factors`
  const listed = await project.call('GET', path)
  expect(listed.body).toEqual({
    factors: [
      { id: app, kind: 'totp', name: 'Phone', createdAt: expect.any(String), lastUsedAt: null },
      { id: passkey, kind: 'passkey', name: 'Laptop', createdAt: expect.any(String), lastUsedAt: null },
    ],
    recoveryCodesLeft: 10,
  })
  expect((await project.call('DELETE', `${path}/${app}`)).status).toBe(204)
  expect((await as(ada, 'GET', '/auth/me')).status).toBe(401)
  const refresh = { as: project.publishable, body: { refreshToken: ada.refreshToken } }
  expect((await project.call('POST', '/auth/token', refresh)).status).toBe(401)
  expect(await signIn(ada)).toMatchObject({ factorRequired: false })
  expect((await project.call('GET', path)).body).toMatchObject({
    factors: [{ id: passkey }],
    recoveryCodesLeft: 0,
  })
  const [, told] = await newsOf(ada, 2)
  expect(told?.text).toContain('Eine Authenticator-App: Phone')
  expect((await auditOf(ada)).at(-1)).toMatchObject({
    action: 'user.remove_factor',
    actor: { kind: 'key' },
    detail: { authenticator: 'Phone' },
  })
})

test('a server takes all factors away at once, which is told once', async () => {
  const ada = await signUp()
  await addApp(ada, 'Phone')
  await insertPasskey(ada, 'Laptop')
  await insertPasskey(ada, 'Key')
  const path = `/users/${ada.id}/factors`
  expect((await project.call('DELETE', path)).status).toBe(204)
  expect((await project.call('GET', path)).body).toEqual({ factors: [], recoveryCodesLeft: 0 })
  expect((await as(ada, 'GET', '/auth/me')).status).toBe(401)
  const [, told] = await newsOf(ada, 2)
  expect(told?.text).toMatch(/app: Phone[^]*A passkey: Laptop, Key[^]*10 recovery codes/)
})

test('a factor of nobody, of another user and of another project is not there', async () => {
  const [ada, bob] = [await signUp(), await signUp()]
  const app = await addApp(ada)
  const other = await server.createProject('Other')
  const answers = [
    await project.call('DELETE', `/users/${bob.id}/factors/${app}`),
    await project.call('DELETE', `/users/${ada.id}/factors/none`),
    await project.call('GET', '/users/none/factors'),
    await project.call('DELETE', '/users/none/factors'),
    await other.call('GET', `/users/${ada.id}/factors`),
    await other.call('DELETE', `/users/${ada.id}/factors/${app}`),
    await other.call('DELETE', `/users/${ada.id}/factors`),
  ]
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404))
  expect((await as(ada, 'GET', '/auth/me')).status).toBe(200)
  expect((await as(bob, 'GET', '/auth/me')).status).toBe(200)
})

test('a server takes an account at a provider away: whoever it signed in is out, and the owner is told', async () => {
  const ada = await signUp({ locale: 'de' })
  const identity = await insertIdentity(ada, 'github')
  const listed = await project.call('GET', `/users/${ada.id}`)
  expect(listed.body.identities).toEqual([
    { id: identity, provider: 'github', subject: identity, email: null },
  ])
  const path = `/users/${ada.id}/identities/${identity}`
  expect((await project.call('DELETE', path)).status).toBe(204)
  expect((await project.call('DELETE', path)).status).toBe(404)
  expect((await project.call('GET', `/users/${ada.id}`)).body.identities).toEqual([])
  expect((await as(ada, 'GET', '/auth/me')).status).toBe(401)
  const refresh = { as: project.publishable, body: { refreshToken: ada.refreshToken } }
  expect((await project.call('POST', '/auth/token', refresh)).status).toBe(401)
  const [told] = await newsOf(ada, 1)
  expect(told?.text).toContain('Ein Konto bei: github')
  expect(await auditOf(ada)).toMatchObject([
    { action: 'user.unlink_identity', actor: { kind: 'key' }, detail: { provider: 'github' } },
  ])
})

test('the last way in is taken away only if that is said', async () => {
  const ada = await signUp()
  const identity = await insertIdentity(ada, 'github')
  await server.services.control.user.update({ where: { id: ada.id }, data: { passwordHash: null } })
  const path = `/users/${ada.id}/identities/${identity}`
  for (const query of ['', '?force=false']) {
    const refused = await project.call('DELETE', path + query)
    expect([refused.status, refused.body.code]).toEqual([409, 'conflict'])
  }
  expect((await project.call('DELETE', `${path}?force=perhaps`)).status).toBe(400)
  expect((await as(ada, 'GET', '/auth/identities')).body.identities).toHaveLength(1)
  expect(await auditOf(ada)).toEqual([])
  expect((await project.call('DELETE', `${path}?force=true`)).status).toBe(204)
  expect((await project.call('GET', `/users/${ada.id}`)).body.identities).toEqual([])
})

test('an account at a provider is taken from its own user alone', async () => {
  const [ada, bob] = [await signUp(), await signUp()]
  const identity = await insertIdentity(ada, 'github')
  const other = await server.createProject('Other')
  const answers = [
    await project.call('DELETE', `/users/${bob.id}/identities/${identity}`),
    await project.call('DELETE', `/users/${ada.id}/identities/none`),
    await project.call('DELETE', `/users/none/identities/${identity}`),
    await other.call('DELETE', `/users/${ada.id}/identities/${identity}?force=true`),
  ]
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404))
  expect((await as(ada, 'GET', '/auth/identities')).body.identities).toHaveLength(1)
  expect((await as(bob, 'GET', '/auth/me')).status).toBe(200)
})

test('a server sees where a user is signed in, and ends one session without the others', async () => {
  const ada = await signUp()
  const headers = { 'x-device-name': 'Phone' }
  const body = { email: ada.email, password }
  const phone = await project.call('POST', '/auth/sign-in', { as: project.publishable, body, headers })
  const path = `/users/${ada.id}/sessions`
  const { sessions } = (await project.call('GET', path)).body
  expect(sessions).toMatchObject([
    { deviceName: 'Phone', isCurrent: false },
    { deviceName: null, isCurrent: false },
  ])
  expect((await project.call('DELETE', `${path}/${sessions[0].id}`)).status).toBe(204)
  expect((await project.call('DELETE', `${path}/${sessions[0].id}`)).status).toBe(404)
  expect((await project.call('GET', '/auth/me', { as: phone.body.accessToken })).status).toBe(401)
  expect((await as(ada, 'GET', '/auth/me')).status).toBe(200)
  expect((await auditOf(ada)).map(({ action }) => action)).toEqual(['user.end_sessions'])
})

test('templates of the news are previewed and replaced like all others', async () => {
  const preview = await project.call('POST', '/auth/mails/preview', {
    body: { template: 'sign_in_method_added', language: 'de' },
  })
  expect(preview.body.text).toContain('Ein Passkey: Laptop')
  const templates = {
    sign_in_method_removed: { en: { subject: 'Gone', text: 'Gone: {{passkey}}{{nonsense}}' } },
  }
  const refused = await project.call('PATCH', '/auth/settings', { body: { settings: { templates } } })
  expect(refused.body.errors[0].code).toBe('unknown_placeholder')
})
