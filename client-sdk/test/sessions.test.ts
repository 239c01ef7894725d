import { expect, onTestFinished, test, vi } from 'vitest'
import { type AuthState, type AuthStorage, memoryStorage } from '../src/client.ts'
import { session } from './make-session.ts'
import { answer, drop, failureOf, problem, scriptedServer } from './scripted-server.ts'

const credentials = { email: 'ada@example.com', password: 'a rather long phrase' }
const bearers = (seen: { headers: Record<string, unknown> }[]) =>
  seen.map(({ headers }) => headers['authorization'])

/** As two tabs see it: a storage that others change too. */
function sharedStorage(): AuthStorage {
  return { ...memoryStorage(), isShared: true }
}

test('whoever signed in acts in every call, until they sign out', async () => {
  const ada = session()
  const server = await scriptedServer(answer(200, ada), answer(200, {}), answer(204), answer(200, {}))
  const client = server.client()
  const states: string[] = []
  client.auth.onAuthStateChange(({ status }) => states.push(status))
  expect(await client.auth.signInWithPassword(credentials)).toEqual(ada)
  await client.collection('posts').get('a')
  await client.auth.signOut()
  await client.collection('posts').get('a')
  expect(bearers(server.seen)).toEqual([
    undefined,
    `Bearer ${ada.accessToken}`,
    `Bearer ${ada.accessToken}`,
    undefined,
  ])
  expect(states).toEqual(['loading', 'signedOut', 'signedIn', 'signedOut'])
})

test('a session that still owes a second factor is a state of its own', async () => {
  const server = await scriptedServer(answer(200, session({ factorRequired: true })), answer(200, session()))
  const { auth } = server.client()
  const states: string[] = []
  auth.onAuthStateChange(({ status }) => states.push(status))
  await auth.signInWithPassword(credentials)
  await auth.verifyFactor('123456')
  expect(states).toEqual(['loading', 'signedOut', 'factorRequired', 'signedIn'])
})

test('a listener that is taken back hears nothing more', async () => {
  const server = await scriptedServer(answer(200, session()))
  const { auth } = server.client()
  const states: AuthState<unknown>[] = []
  auth.onAuthStateChange((state) => states.push(state))()
  await auth.signInWithPassword(credentials)
  expect(states).toEqual([{ status: 'loading' }])
})

test('a kept session signs in without a request, as when offline', async () => {
  const storage = memoryStorage()
  const server = await scriptedServer(answer(200, session()), drop)
  await server.client({ auth: { storage } }).auth.signInWithPassword(credentials)
  const { auth } = server.client({ auth: { storage } })
  const state = await new Promise<AuthState<unknown>>((resolve) => {
    auth.onAuthStateChange((now) => now.status !== 'loading' && resolve(now))
  })
  expect(state).toMatchObject({ status: 'signedIn', user: { id: 'u1' } })
  expect(server.seen).toHaveLength(1)
})

test.each(['', 'null', '{', '{"refreshToken":1}', '[]', '{"refreshToken":"a","accessToken":"b"}'])(
  'what is no session in the storage signs nobody in: %s',
  async (text) => {
    const storage = memoryStorage()
    await storage.set('basalt-demo', text)
    const server = await scriptedServer(answer(200, {}))
    expect(await server.client({ auth: { storage } }).auth.getSession()).toBeNull()
  },
)

test('a token that ends soon is exchanged before the call; calls at the same time share the exchange', async () => {
  const next = session()
  const server = await scriptedServer(
    answer(200, session({ lifeSeconds: -1 })),
    answer(200, next),
    answer(200, {}),
  )
  const client = server.client()
  await client.auth.signInWithPassword(credentials)
  const posts = client.collection('posts')
  await Promise.all([posts.get('a'), posts.get('b'), posts.get('c')])
  expect(server.seen.map(({ path }) => path.split('/').at(-1)).slice(0, 2)).toEqual(['sign-in', 'token'])
  expect(JSON.parse(server.seen[1]!.body)).toEqual({ refreshToken: expect.stringContaining('refresh-') })
  expect(server.seen[1]!.headers).not.toHaveProperty('authorization')
  const bearer = `Bearer ${next.accessToken}`
  expect(bearers(server.seen.slice(2))).toEqual([bearer, bearer, bearer])
})

test.each([-86_400, 86_400])(
  'a device whose clock is off by %i seconds refreshes no earlier or later',
  async (clockOff) => {
    const server = await scriptedServer(answer(200, session({ clockOff })), answer(200, {}))
    const client = server.client()
    await client.auth.signInWithPassword(credentials)
    await client.collection('posts').get('a')
    expect(server.seen.map(({ path }) => path.split('/').at(-1))).toEqual(['sign-in', 'a'])
  },
)

test('a refused token is exchanged once, and the call sent again', async () => {
  const next = session()
  const refused = problem(401, 'unauthenticated')
  const server = await scriptedServer(
    answer(200, session()),
    refused,
    answer(200, next),
    answer(200, { id: 'a' }),
  )
  const client = server.client({ retries: 0 })
  await client.auth.signInWithPassword(credentials)
  expect(await client.collection('posts').get('a')).toEqual({ id: 'a' })
  expect(bearers(server.seen).at(-1)).toBe(`Bearer ${next.accessToken}`)
})

test('a call that stays refused fails, and does not go round for ever', async () => {
  const refused = problem(401, 'unauthenticated')
  const server = await scriptedServer(answer(200, session()), refused, answer(200, session()), refused)
  const client = server.client()
  await client.auth.signInWithPassword(credentials)
  expect(await failureOf(client.collection('posts').get('a'))).toMatchObject({ code: 'unauthenticated' })
  expect(server.seen).toHaveLength(4)
})

test('a wrong password is not tried twice because of its 401', async () => {
  const server = await scriptedServer(answer(200, session()), problem(401, 'unauthenticated'))
  const { auth } = server.client()
  await auth.signInWithPassword(credentials)
  expect(await failureOf(auth.stepUp({ password: 'wrong' }))).toMatchObject({ status: 401 })
  expect(server.seen).toHaveLength(2)
})

test('a refused refresh token signs out; the call fails with what it got', async () => {
  const refused = problem(401, 'unauthenticated')
  const server = await scriptedServer(answer(200, session()), refused, refused)
  const client = server.client()
  await client.auth.signInWithPassword(credentials)
  expect(await failureOf(client.collection('posts').get('a'))).toMatchObject({ status: 401 })
  expect(await client.auth.getSession()).toBeNull()
})

test.each([
  ['a broken connection', drop, 'network'],
  ['a server that is busy', problem(503, 'unavailable'), 'unavailable'],
])('%s signs nobody out', async (_name, trouble, code) => {
  const storage = memoryStorage()
  const server = await scriptedServer(
    answer(200, session({ lifeSeconds: -1 })),
    trouble,
    answer(200, session()),
  )
  const client = server.client({ retries: 0, auth: { storage } })
  await client.auth.signInWithPassword(credentials)
  expect(await failureOf(client.collection('posts').get('a'))).toMatchObject({ code })
  expect(await client.auth.getSession()).toMatchObject({ user: { id: 'u1' } })
})

test('calls that wait for one refresh fail with it, and not one after the other', async () => {
  const server = await scriptedServer(answer(200, session({ lifeSeconds: -1 })), drop)
  const client = server.client({ retries: 0 })
  await client.auth.signInWithPassword(credentials)
  const posts = client.collection('posts')
  const failures = await Promise.all(['a', 'b', 'c'].map((id) => failureOf(posts.get(id))))
  expect(failures).toMatchObject([{ code: 'network' }, { code: 'network' }, { code: 'network' }])
  expect(server.seen).toHaveLength(2)
})

test.each([
  ['Web Locks', sharedStorage],
  ['a queue', memoryStorage],
])(
  'two clients on one storage refresh one after the other by %s: the second takes what the first got',
  async (_, make) => {
    const storage = make()
    const next = session()
    const server = await scriptedServer(answer(200, session({ lifeSeconds: -1 })), answer(200, next), drop)
    const [one, two] = [server.client({ auth: { storage } }), server.client({ auth: { storage } })]
    await one.auth.signInWithPassword(credentials)
    const [first, second] = await Promise.all([one.auth.getSession(), two.auth.getSession()])
    expect([first?.accessToken, second?.accessToken]).toEqual([next.accessToken, next.accessToken])
    expect(server.seen).toHaveLength(2)
  },
)

test('signing in and out in one tab reaches the other', async () => {
  const storage = sharedStorage()
  const server = await scriptedServer(answer(200, session()), answer(204))
  const [one, two] = [server.client({ auth: { storage } }), server.client({ auth: { storage } })]
  const states: string[] = []
  two.auth.onAuthStateChange(({ status }) => states.push(status))
  await expect.poll(() => states).toEqual(['loading', 'signedOut'])
  await one.auth.signInWithPassword(credentials)
  await expect.poll(() => states.at(-1)).toBe('signedIn')
  await one.auth.signOut()
  await expect.poll(() => states.at(-1)).toBe('signedOut')
})

test('what another tab wrote counts when it arrives, be it after the message of it', async () => {
  const page = new EventTarget()
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  onTestFinished(() => void vi.unstubAllGlobals())
  const written = sharedStorage()
  let late: string | null = null
  const storage: AuthStorage = { ...written, get: () => late }
  const server = await scriptedServer(answer(200, session()))
  const [one, two] = [server.client({ auth: { storage: written } }), server.client({ auth: { storage } })]
  two.auth.onAuthStateChange(() => {})
  await one.auth.signInWithPassword(credentials)
  await expect.poll(() => two.auth.state.status).toBe('signedOut')
  late = await written.get('basalt-demo')
  page.dispatchEvent(new Event('storage'))
  await expect.poll(() => two.auth.state.status).toBe('signedIn')
})

test('whoever signs out during a refresh stays signed out', async () => {
  const storage = memoryStorage()
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const next = session()
  const server = await scriptedServer(
    answer(200, session({ lifeSeconds: -1 })),
    (response, request) => void held.then(() => answer(200, next)(response, request)),
    answer(204),
  )
  const { auth } = server.client({ auth: { storage } })
  await auth.signInWithPassword(credentials)
  const refreshed = auth.getSession()
  await expect.poll(() => server.seen.length).toBe(2)
  const out = auth.signOut()
  await expect.poll(() => storage.get('basalt-demo')).toBeNull()
  release()
  await out
  expect(await refreshed).toBeNull()
  expect(await storage.get('basalt-demo')).toBeNull()
})

test('signing out without a connection signs out here', async () => {
  const server = await scriptedServer(answer(200, session()), drop)
  const { auth } = server.client({ retries: 0 })
  await auth.signInWithPassword(credentials)
  await auth.signOut()
  expect(await auth.getSession()).toBeNull()
})

test('signing out everywhere says so if it fails, and can be tried again', async () => {
  const server = await scriptedServer(answer(200, session()), drop, answer(204))
  const { auth } = server.client({ retries: 0 })
  await auth.signInWithPassword(credentials)
  expect(await failureOf(auth.signOut({ scope: 'all' }))).toMatchObject({ code: 'network' })
  expect(await auth.getSession()).not.toBeNull()
  await auth.signOut({ scope: 'all' })
  expect(await auth.getSession()).toBeNull()
})

test('a server acts as the user of a request, and not by its own key', async () => {
  const server = await scriptedServer(answer(200, {}))
  const own = server.client({ key: 'sk_1' })
  await own.as('token-of-a-user').collection('posts').get('a')
  await own.collection('posts').get('a')
  expect(bearers(server.seen)).toEqual(['Bearer token-of-a-user', 'Bearer sk_1'])
  expect(server.seen[0]!.headers).not.toHaveProperty('x-api-key')
})

test('a server acts as a session, which it refreshes', async () => {
  const next = session()
  const server = await scriptedServer(answer(200, next), answer(200, {}))
  await server
    .client()
    .as(session({ lifeSeconds: -1 }))
    .collection('posts')
    .get('a')
  expect(bearers(server.seen)).toEqual([undefined, `Bearer ${next.accessToken}`])
})

test('what needs a verified address first signs nobody in', async () => {
  const server = await scriptedServer(answer(202, { verificationRequired: true }))
  const { auth } = server.client()
  expect(await auth.signUp(credentials)).toBeNull()
  expect(await auth.getSession()).toBeNull()
})

test('an anonymous user shows who they are when they show a code; others do not', async () => {
  const anonymous = session()
  const user = { ...anonymous.user, isAnonymous: true }
  const named = session()
  const server = await scriptedServer(answer(201, { ...anonymous, user }), answer(200, named))
  const { auth } = server.client()
  await auth.signInAnonymously()
  await auth.verifyOtp({ email: 'ada@example.com', code: '123456' })
  await auth.verifyOtp({ email: 'ada@example.com', code: '123456' })
  expect(bearers(server.seen)).toEqual([undefined, `Bearer ${anonymous.accessToken}`, undefined])
})

test('the redirect’s code is exchanged with the verifier that only this client has', async () => {
  const server = await scriptedServer(
    answer(200, { url: 'https://provider.example' }),
    answer(200, session()),
  )
  const { auth } = server.client()
  await auth.signInWithOAuth('acme', { redirectTo: 'app://signed-in' })
  const { redirectTo, codeChallenge } = JSON.parse(server.seen[0]!.body)
  expect(redirectTo).toBe('app://signed-in')
  expect(await auth.handleRedirect('app://signed-in#code=c%2B1')).toMatchObject({ user: { id: 'u1' } })
  const { code, codeVerifier } = JSON.parse(server.seen[1]!.body)
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(codeVerifier))
  expect(code).toBe('c+1')
  expect(Buffer.from(digest).toString('base64url')).toBe(codeChallenge)
  const again = auth.handleRedirect('app://signed-in#code=c%2B1')
  expect(await failureOf(again)).toMatchObject({ code: 'code_invalid' })
  expect(server.seen).toHaveLength(2)
})

test.each([
  ['app://in', null],
  ['app://in#', null],
  ['app://in#section', null],
  ['app://in?code=of-somebody-else', null],
])('an address that brings nothing signs nobody in: %s', async (address, nothing) => {
  const server = await scriptedServer(answer(500))
  expect(await server.client().auth.handleRedirect(address)).toBe(nothing)
  expect(server.seen).toHaveLength(0)
})

test('a provider’s refusal comes out as its code', async () => {
  const server = await scriptedServer(answer(500))
  const refused = server.client().auth.handleRedirect('app://in#error=access_denied')
  expect(await failureOf(refused)).toMatchObject({ code: 'access_denied' })
})

test('the token of a link signs in', async () => {
  const server = await scriptedServer(answer(200, session()))
  await server.client().auth.handleRedirect('app://in#token=t.1')
  expect(JSON.parse(server.seen[0]!.body)).toEqual({ token: 't.1' })
})
