import { URI } from 'otpauth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type AuthStorage,
  type Basalt,
  cookieStorage,
  createClient,
  memoryStorage,
} from '../../client-sdk/src/client.ts'
import { codeIn, type MailServer, startMailServer } from '../support/mail-server.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

interface Profile {
  name: string
}
type Client = Basalt<{ collections: Record<never, never> }, Profile>

let mail: MailServer
let server: TestServer
let project: TestProject
let people = 0
const password = 'a rather long phrase'

beforeAll(async () => {
  mail = await startMailServer()
  server = await startTestServer({ BASALT_SMTP_URL: mail.url, BASALT_MAIL_FROM: 'app@basalt.example' })
  project = await server.createProject()
  await project.defineCollection('notes', {
    rules: { read: 'doc.owner == auth.uid', list: 'doc.owner == auth.uid', create: 'doc.owner == auth.uid' },
  })
})

afterAll(async () => {
  await server.stop()
  await mail.close()
})

function device({ storage = memoryStorage(), key = project.publishable } = {}): Client {
  return createClient<{ collections: Record<never, never> }, Profile>({
    url: server.url,
    project: project.ref,
    key,
    auth: { storage },
  })
}

const newEmail = (): string => `person${++people}@example.com`

async function signUp(email = newEmail()): Promise<{ client: Client; email: string; id: string }> {
  const client = device()
  const session = await client.auth.signUp({ email, password, profile: { name: 'Ada' } })
  return { client, email, id: session!.user.id }
}

const notes = (client: Client) =>
  client.collection('notes' as never) as unknown as {
    create(data: object): Promise<{ id: string; owner: string }>
    get(id: string): Promise<{ id: string; owner: string }>
  }

test('whoever signs up owns what they write; another user does not see it', async () => {
  const ada = await signUp()
  const note = await notes(ada.client).create({ owner: ada.id })
  expect(await notes(ada.client).get(note.id)).toMatchObject({ owner: ada.id })
  const eve = await signUp()
  await expect(notes(eve.client).get(note.id)).rejects.toMatchObject({ code: 'not_found' })
})

test('a wrong password signs nobody in', async () => {
  const { email } = await signUp()
  const client = device()
  const wrong = client.auth.signInWithPassword({ email, password: 'wrong' })
  await expect(wrong).rejects.toMatchObject({ code: 'unauthenticated' })
  expect(await client.auth.getSession()).toBeNull()
})

test('a code by mail signs in', async () => {
  const email = newEmail()
  const { auth } = device()
  await auth.signInWithOtp({ email })
  const session = await auth.verifyOtp({ email, code: codeIn(await mail.take(email)) })
  expect(session.user).toMatchObject({ email, isEmailVerified: true })
  expect((await auth.getUser()).id).toBe(session.user.id)
})

test('an anonymous user who signs in by code keeps their id and their documents', async () => {
  const client = device()
  const { user } = await client.auth.signInAnonymously()
  const note = await notes(client).create({ owner: user.id })
  const email = newEmail()
  await client.auth.signInWithOtp({ email })
  const named = await client.auth.verifyOtp({ email, code: codeIn(await mail.take(email)) })
  expect(named.user).toMatchObject({ id: user.id, email, isAnonymous: false })
  expect(await notes(client).get(note.id)).toMatchObject({ owner: user.id })
})

test('an anonymous user who takes e-mail and password keeps their id', async () => {
  const { auth } = device()
  const { user } = await auth.signInAnonymously()
  const upgraded = await auth.upgrade({ email: newEmail(), password })
  expect(upgraded?.user).toMatchObject({ id: user.id, isAnonymous: false })
})

test('a session outlives the client, and is refreshed when its token is refused', async () => {
  const storage = memoryStorage()
  const email = newEmail()
  const first = await device({ storage }).auth.signUp({ email, password })
  const key = `basalt-${project.ref}`
  const kept = JSON.parse((await storage.get(key))!)
  await storage.set(key, JSON.stringify({ ...kept, accessToken: `${kept.accessToken.slice(0, -8)}AAAAAAAA` }))
  const { auth } = device({ storage })
  expect((await auth.getUser()).id).toBe(first!.user.id)
  const after = JSON.parse((await storage.get(key))!)
  expect(after.refreshToken).not.toBe(kept.refreshToken)
})

test('signing out everywhere ends the sessions of other devices', async () => {
  const { client, email } = await signUp()
  const other = device()
  await other.auth.signInWithPassword({ email, password })
  expect(await client.auth.sessions()).toHaveLength(2)
  await client.auth.signOut({ scope: 'all' })
  expect(await client.auth.getSession()).toBeNull()
  const isOut = () =>
    other.auth.getUser().then(
      () => false,
      () => true,
    )
  await expect.poll(isOut, { timeout: 6_000 }).toBe(true)
  expect(await other.auth.getSession()).toBeNull()
})

test('a device has the name that its app gives it, in any letters', async () => {
  const { client, email } = await signUp()
  const name = 'Adaś téléphone 📱 100%'
  const phone = createClient({
    url: server.url,
    project: project.ref,
    key: project.publishable,
    auth: { storage: memoryStorage(), deviceName: name },
  })
  await phone.auth.signInWithPassword({ email, password })
  const names = (await client.auth.sessions()).map(({ deviceName }) => deviceName)
  expect(new Set(names)).toEqual(new Set([name, null]))
})

test('a session is kept in a storage that answers later, as those of phones do', async () => {
  const entries = new Map<string, string>()
  const later = () => new Promise((resolve) => setTimeout(resolve, 5))
  const storage: AuthStorage = {
    get: (key) => later().then(() => entries.get(key) ?? null),
    set: (key, value) => later().then(() => void entries.set(key, value)),
    remove: (key) => later().then(() => void entries.delete(key)),
  }
  const email = newEmail()
  await device({ storage }).auth.signUp({ email, password })
  const reopened = device({ storage })
  expect((await reopened.auth.getUser()).email).toBe(email)
  await reopened.auth.signOut()
  expect(entries.size).toBe(0)
})

test('a server that renders pages knows the user by the cookies of the request, and sets those of the answer', async () => {
  const jar = new Map<string, string>()
  const cookies = () =>
    cookieStorage(
      {
        get: (name) => jar.get(name),
        set(name, value, { maxAge, sameSite, secure, path }) {
          expect({ sameSite, secure, path }).toEqual({ sameSite: 'lax', secure: true, path: '/' })
          if (maxAge === 0) jar.delete(name)
          else jar.set(name, value)
        },
      },
      { secure: true },
    )
  const email = newEmail()
  // Too long for one cookie.
  const profile = { name: 'Ada '.repeat(1000) }
  await device({ storage: cookies() }).auth.signUp({ email, password, profile })
  expect(jar.size).toBeGreaterThan(1)
  expect((await device({ storage: cookies() }).auth.getUser()).profile).toEqual(profile)
  await device({ storage: cookies() }).auth.signOut()
  expect(jar.size).toBe(0)
})

test('one device is signed out from another', async () => {
  const { client, email } = await signUp()
  const other = device()
  await other.auth.signInWithPassword({ email, password })
  const there = (await client.auth.sessions()).find(({ isCurrent }) => !isCurrent)
  await client.auth.endSession(there!.id)
  expect(await client.auth.sessions()).toHaveLength(1)
})

test('a second factor is set up, asked for, shown and removed', async () => {
  const { client, email } = await signUp()
  const enrolled = await client.auth.factors.enrol({ name: 'Phone' })
  const { recoveryCodes } = await client.auth.factors.confirm(enrolled.id, URI.parse(enrolled.uri).generate())
  expect(recoveryCodes?.length).toBeGreaterThan(5)

  const other = device()
  const states: string[] = []
  other.auth.onAuthStateChange(({ status }) => states.push(status))
  expect(await other.auth.signInWithPassword({ email, password })).toMatchObject({ factorRequired: true })
  await expect(other.auth.sessions()).rejects.toMatchObject({ status: 403 })
  await other.auth.verifyFactor(recoveryCodes![0]!)
  expect(states.slice(-2)).toEqual(['factorRequired', 'signedIn'])
  expect(await other.auth.factors.list()).toMatchObject({
    factors: [{ id: enrolled.id, name: 'Phone', isConfirmed: true }],
    recoveryCodesLeft: recoveryCodes!.length - 1,
  })
  await other.auth.factors.remove(enrolled.id)
  expect((await other.auth.factors.list()).factors).toEqual([])
})

test('a forgotten password is set anew by mail, and the old one is worth nothing', async () => {
  const { email } = await signUp()
  const { auth } = device()
  await mail.take(email) // for the new address
  await auth.resetPassword({ email })
  const next = 'another rather long phrase'
  await auth.confirmPassword({ email, code: codeIn(await mail.take(email)), password: next })
  await expect(auth.signInWithPassword({ email, password })).rejects.toMatchObject({ status: 401 })
  expect((await auth.signInWithPassword({ email, password: next })).user.email).toBe(email)
})

test('users change and delete themselves', async () => {
  const { client, id } = await signUp()
  const names: (string | undefined)[] = []
  client.auth.onAuthStateChange((state) => names.push('user' in state ? state.user.profile.name : undefined))
  expect(await client.auth.updateUser({ profile: { name: 'Ada Lovelace' } })).toMatchObject({ id })
  expect(names.at(-1)).toBe('Ada Lovelace')
  await client.auth.deleteUser({ password })
  expect(await client.auth.getSession()).toBeNull()
})

test('a server acts as a user by their access token, and has that user’s rights only', async () => {
  const { client, id } = await signUp()
  const session = await client.auth.getSession()
  const own = device({ key: project.secret })
  const note = await notes(own.as(session!.accessToken)).create({ owner: id })
  const eve = await signUp()
  const asEve = own.as((await eve.client.auth.getSession())!)
  await expect(notes(asEve).get(note.id)).rejects.toMatchObject({ code: 'not_found' })
  expect(await notes(own).get(note.id)).toMatchObject({ owner: id })
})
