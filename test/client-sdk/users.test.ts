import { URI } from 'otpauth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClient, memoryStorage, type NewUser } from '../../client-sdk/src/client.ts'
import { type LyingProvider, startLyingProvider } from '../support/lying-provider.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

/** The client of a server with a secret key, which manages users, and what users do with their own accounts. */

let server: TestServer
let project: TestProject
let provider: LyingProvider
let people = 0
const password = 'a rather long phrase'
const clientId = 'our-client'

beforeAll(async () => {
  server = await startTestServer({ BASALT_OUTBOUND_ALLOW: '127.0.0.0/8' })
  project = await server.createProject()
  provider = await startLyingProvider(clientId)
})

afterAll(async () => {
  await provider.stop()
  await server.stop()
})

function connect(key: string) {
  const options = { url: server.url, project: project.ref, key, auth: { storage: memoryStorage() } }
  return createClient<{ collections: Record<never, never> }, { name?: string }>(options)
}

const admin = () => connect(project.secret)
const app = () => connect(project.publishable)
const newEmail = (): string => `user${++people}@example.com`

async function create(more: NewUser<{ name?: string }> = {}) {
  return admin().users.create({ email: newEmail(), isEmailVerified: true, password, ...more })
}

test('users are made, searched, read, changed and deleted', async () => {
  const { users } = admin()
  const ada = await create({ roles: ['editor'], claims: { plan: 'pro' }, profile: { name: 'Ada' } })
  const bob = await create()
  expect(ada).toMatchObject({ hasPassword: true, roles: ['editor'], profile: { name: 'Ada' } })
  expect((await users.list({ role: 'editor' })).users.map(({ id }) => id)).toEqual([ada.id])
  const first = await users.list({ limit: 1 })
  expect(first.users).toMatchObject([{ id: bob.id }])
  const next = await users.list({ limit: 1, after: first.nextCursor! })
  expect(next).toMatchObject({ users: [{ id: ada.id }], nextCursor: null })

  const changed = await users.update(ada.id, { roles: ['admin'], claims: { plan: null, since: 2026 } })
  expect(changed).toMatchObject({ roles: ['admin'], claims: { since: 2026 } })
  expect(await users.get(ada.id)).toEqual(changed)
  await users.delete(ada.id)
  await users.delete(bob.id)
  await expect(users.get(ada.id)).rejects.toMatchObject({ code: 'not_found' })
})

test('a suspended user is out, until they are reinstated', async () => {
  const { users } = admin()
  const { id, email } = await create()
  const client = app()
  await client.auth.signInWithPassword({ email: email!, password })
  expect(await users.update(id, { suspended: true })).toMatchObject({ suspendedAt: expect.any(String) })
  await expect(client.auth.getUser()).rejects.toMatchObject({ status: 401 })
  expect((await users.list({ suspended: true })).users).toMatchObject([{ id }])
  await users.update(id, { suspended: false })
  await app().auth.signInWithPassword({ email: email!, password })
})

test('users are imported with what other systems knew of them, and exported', async () => {
  const { users } = admin()
  const email = newEmail()
  const hash = '$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m'
  const summary = await users.import([
    { id: 'imported', email, passwordHash: { kind: 'bcrypt', hash }, roles: ['old'] },
    { email: 'no address' },
  ])
  expect(summary).toMatchObject({ imported: 1, failed: 1, errors: [{ line: 2 }] })
  const exported = []
  for await (const user of users.export()) exported.push(user)
  expect(exported.find(({ id }) => id === 'imported')).toMatchObject({
    email,
    roles: ['old'],
    hasPassword: true,
  })
  expect(JSON.stringify(exported)).not.toContain('$2b$')
})

test('a server acts as a user, and the user’s log says so', async () => {
  const server = admin()
  const { id, email } = await create()
  const acting = server.as(await server.users.impersonate(id))
  expect(await acting.auth.getUser()).toMatchObject({ id })
  await expect(acting.auth.updateUser({ email: newEmail() })).rejects.toMatchObject({
    code: 'step_up_required',
  })
  const client = app()
  await client.auth.signInWithPassword({ email: email!, password })
  const { log } = await client.auth.exportUser()
  expect(log).toContainEqual({
    action: 'user.impersonate',
    at: expect.any(String),
    actorKind: 'key',
    ip: null,
  })
})

test('sessions and lost factors of a user are seen and ended', async () => {
  const { users } = admin()
  const { id, email } = await create()
  const [phone, laptop] = [app(), app()]
  for (const { auth } of [phone, laptop]) await auth.signInWithPassword({ email: email!, password })
  const mine = (await phone.auth.sessions()).find(({ isCurrent }) => isCurrent)!
  expect(await users.sessions(id)).toHaveLength(2)
  await users.endSessions(id, mine.id)
  await expect(phone.auth.getUser()).rejects.toMatchObject({ status: 401 })

  const enrolled = await laptop.auth.factors.enrol({ name: 'Phone' })
  await laptop.auth.factors.confirm(enrolled.id, URI.parse(enrolled.uri).generate())
  expect(await users.factors(id)).toMatchObject({
    factors: [{ id: enrolled.id, kind: 'totp', name: 'Phone' }],
    recoveryCodesLeft: 10,
  })
  await users.removeFactors(id, enrolled.id)
  await expect(laptop.auth.getUser()).rejects.toMatchObject({ status: 401 })
  expect(await app().auth.signInWithPassword({ email: email!, password })).toMatchObject({
    factorRequired: false,
  })
  await users.removeFactors(id)
  await users.endSessions(id)
  expect(await users.sessions(id)).toEqual([])
})

test('an app’s key manages nobody', async () => {
  const client = app()
  await client.auth.signUp({ email: newEmail(), password })
  const { users, authSettings } = client
  for (const call of [() => users.list(), () => users.impersonate('x'), () => authSettings.get()]) {
    await expect(call()).rejects.toMatchObject({ code: 'forbidden' })
  }
})

test('settings are read and changed, secrets only go in, and mails are seen before they go out', async () => {
  const { authSettings } = admin()
  const changed = await authSettings.update({
    settings: {
      sessions: { idleDays: 7, absoluteDays: 90 },
      smsSender: { kind: 'webhook', url: 'https://sms.example.com/send' },
      templates: { sign_in_code: { fr: { subject: 'Code', text: 'Votre code : {{code}}' } } },
    },
    secrets: { smsToken: 'a secret of the sender' },
  })
  expect(changed).toMatchObject({
    settings: { sessions: { idleDays: 7 } },
    secrets: { smsToken: { isSet: true }, smtpPassword: { isSet: false } },
  })
  expect(await authSettings.get()).toEqual(changed)
  const { settings } = await authSettings.update({ settings: { sessions: null, smsSender: null } })
  expect(settings).toMatchObject({ sessions: { idleDays: 30 } })
  expect(settings.smsSender).toBeUndefined()
  expect(await authSettings.previewMail({ template: 'sign_in_code', language: 'fr' })).toMatchObject({
    text: 'Votre code : 123456',
  })
  await authSettings.rotateKeys()
  const email = newEmail()
  const client = app()
  await client.auth.signUp({ email, password })
  await expect
    .poll(async () => (await authSettings.mails()).mails)
    .toContainEqual(expect.objectContaining({ recipient: email, template: 'verify_email', sentAt: null }))
  await expect(client.auth.resendVerification({ email })).resolves.toBeUndefined()
})

test('an account at a provider is linked, listed and unlinked; the last way in stays', async () => {
  await admin().authSettings.update({
    settings: { providers: { acme: { enabled: true, clientId, issuer: provider.issuer } } },
    secrets: { providers: { acme: 'a secret of the client' } },
  })
  const idToken = await provider.sign(provider.claims({ sub: 'linked', email_verified: false }))
  const client = app()
  const { user } = await client.auth.signInAnonymously()
  const linked = await client.auth.identities.linkWithIdToken({ provider: 'acme', idToken })
  expect(linked).toMatchObject({ provider: 'acme' })
  // It gives them a way to come back, which the app is told without asking.
  expect((await client.auth.getSession())!.user).toMatchObject({ id: user.id, isAnonymous: false })
  expect(await client.auth.identities.list()).toEqual([linked])
  await expect(client.auth.identities.unlink(linked.id)).rejects.toMatchObject({ code: 'conflict' })

  const again = app()
  const back = await again.auth.signInWithIdToken({ provider: 'acme', idToken })
  expect(back.user.id).toBe(user.id)
  const eve = app()
  await eve.auth.signUp({ email: newEmail(), password })
  await expect(eve.auth.identities.linkWithIdToken({ provider: 'acme', idToken })).rejects.toMatchObject({
    code: 'already_exists',
  })
})

test('a server unlinks an account at a provider, the last way in only if that is said', async () => {
  const { users, authSettings } = admin()
  await authSettings.update({
    settings: { providers: { acme: { enabled: true, clientId, issuer: provider.issuer } } },
    secrets: { providers: { acme: 'a secret of the client' } },
  })
  const idToken = await provider.sign(provider.claims({ sub: 'unlinked', email_verified: false }))
  const client = app()
  const { user } = await client.auth.signInWithIdToken({ provider: 'acme', idToken })
  const [identity] = (await users.get(user.id)).identities
  expect(identity).toMatchObject({ provider: 'acme', subject: 'unlinked' })
  await expect(users.unlinkIdentity(user.id, identity!.id)).rejects.toMatchObject({ code: 'conflict' })
  await users.unlinkIdentity(user.id, identity!.id, { force: true })
  expect((await users.get(user.id)).identities).toEqual([])
  await expect(client.auth.getUser()).rejects.toMatchObject({ status: 401 })
  expect((await app().auth.signInWithIdToken({ provider: 'acme', idToken })).user.id).not.toBe(user.id)
})

test('users get all that is known of them', async () => {
  const client = app()
  const email = newEmail()
  await client.auth.signUp({ email, password, profile: { name: 'Ada' } })
  expect(await client.auth.exportUser()).toMatchObject({
    user: { email, profile: { name: 'Ada' } },
    sessions: [{ ip: '127.0.0.1' }],
    identities: [],
    passkeys: [],
    factors: [],
  })
})
