import { expect, test, vi } from 'vitest'
import { type BasaltError, type ClientOptions, memoryStorage, type Session } from '../src/client.ts'
import type { UntypedSchema } from '../src/client.ts'
import { session } from './make-session.ts'
import { script, type Script } from './scripted-sockets.ts'

const json = (status: number, body: object): Response => new Response(JSON.stringify(body), { status })

/** A server that signs in whoever it is told to, and gives new tokens as long as it has some. */
function accounts() {
  const next: Session[] = []
  const fetch = vi.fn((url: string) => {
    const isRefresh = url.endsWith('/auth/token')
    const answer = url.endsWith('/sign-in') || isRefresh ? next.shift() : {}
    return Promise.resolve(answer === undefined ? json(401, { code: 'unauthenticated' }) : json(200, answer))
  })
  return {
    next,
    fetch,
    refreshes: () => fetch.mock.calls.filter(([url]) => url.endsWith('/auth/token')).length,
  }
}

function app(options: Partial<ClientOptions<UntypedSchema>> = {}) {
  const server = accounts()
  const the = script({ fetch: server.fetch, auth: { storage: memoryStorage() }, ...options })
  const signIn = async (who: Session): Promise<void> => {
    server.next.push(who)
    await the.client.auth.signInWithPassword({ email: 'ada@example.com', password: 'a rather long phrase' })
    await the.pass()
  }
  const signOut = async (): Promise<void> => {
    await the.client.auth.signOut()
    await the.pass()
  }
  return { the, server, signIn, signOut }
}

const listen = (the: Script) => the.client.collection('posts').live(() => {})
const kinds = (the: Script) => the.socket.sent.map(({ type }) => type)

test('a user’s token is the first message, before everything that they ask for', async () => {
  const { the, signIn } = app()
  const ada = session()
  await signIn(ada)
  listen(the)
  await the.connect()
  expect(the.socket.sent).toMatchObject([{ type: 'auth', token: ada.accessToken }, { type: 'subscribe' }])
})

test('a kept session is read before the socket opens', async () => {
  const storage = memoryStorage()
  const ada = session()
  void storage.set('basalt-demo', JSON.stringify({ ...ada, refreshAt: Date.now() + 100_000 }))
  const { the } = app({ auth: { storage } })
  listen(the)
  await the.connect()
  expect(kinds(the)).toEqual(['auth', 'subscribe'])
})

test('who signs in is asked for anew, on the same socket; the list stays meanwhile', async () => {
  const { the, signIn } = app()
  const live = listen(the)
  const socket = await the.connect()
  const anonymous = socket.lastId
  socket.snapshot(anonymous, [{ id: 'a' }])
  const [a] = live.state.documents!
  const ada = session()
  await signIn(ada)
  expect(the.sockets).toHaveLength(1)
  expect(socket.sent.slice(1)).toMatchObject([
    { type: 'unsubscribe', id: anonymous },
    { type: 'auth', token: ada.accessToken },
    { type: 'subscribe' },
  ])
  expect(socket.sent.at(-1)).not.toHaveProperty('cursor')
  expect(live.state).toEqual({ status: 'reconnecting', documents: [a] })
  socket.change(anonymous, [{ kind: 'removed', document: { id: 'a' } }])
  socket.snapshot(socket.lastId, [{ id: 'a' }, { id: 'b' }])
  expect(live.state.documents).toEqual([{ id: 'a' }, { id: 'b' }])
  expect(live.state.documents![0]).toBe(a)
})

test('what a user saw is gone the moment they sign out, and what was on its way is not shown', async () => {
  const { the, signIn, signOut } = app()
  await signIn(session())
  const live = listen(the)
  const socket = await the.connect()
  const id = socket.lastId
  socket.snapshot(id, [{ id: 'private' }])
  const states: unknown[] = []
  live.subscribe(({ documents }) => states.push(documents))
  const out = signOut()
  socket.snapshot(id, [{ id: 'private' }])
  await out
  expect(live.state.status).toBe('loading')
  socket.snapshot(id, [{ id: 'private' }])
  expect(states).toEqual([[{ id: 'private' }], undefined])
  expect(socket.sent.slice(-3)).toMatchObject([
    { type: 'unsubscribe', id },
    { type: 'auth', token: null },
    { type: 'subscribe' },
  ])
})

test('it is gone without a connection too', async () => {
  const { the, signIn, signOut } = app()
  await signIn(session())
  const live = listen(the)
  const socket = await the.connect()
  socket.snapshot(socket.lastId, [{ id: 'private' }])
  socket.end()
  expect(live.state.status).toBe('reconnecting')
  await signOut()
  expect(live.state.status).toBe('loading')
  await the.connect()
  expect(kinds(the)).toEqual(['subscribe'])
})

test('another user sees nothing of the one before', async () => {
  const { the, signIn } = app()
  await signIn(session())
  const live = listen(the)
  const socket = await the.connect()
  socket.snapshot(socket.lastId, [{ id: 'of ada' }])
  await signIn(session({ id: 'u2' }))
  expect(live.state).toEqual({ status: 'loading', documents: undefined })
})

test('a query that was refused is asked again for the next user', async () => {
  const { the, signIn } = app()
  const live = listen(the)
  const socket = await the.connect()
  socket.refuse('forbidden', socket.lastId)
  expect(live.state.status).toBe('failed')
  await signIn(session())
  expect(live.state.status).toBe('loading')
  socket.snapshot(socket.lastId, [])
  expect(live.state.status).toBe('live')
})

test('a changed profile is no other user', async () => {
  const { the, signIn, server } = app()
  const ada = session()
  await signIn(ada)
  listen(the)
  await the.connect()
  server.fetch.mockResolvedValueOnce(json(200, { ...ada.user, profile: { name: 'Countess' } }))
  await the.client.auth.updateUser({ profile: { name: 'Countess' } })
  await the.pass()
  expect(kinds(the)).toEqual(['auth', 'subscribe'])
})

test('signing in twice quickly ends with the second', async () => {
  const { the, server } = app()
  listen(the)
  const socket = await the.connect()
  const [ada, eve] = [session(), session({ id: 'u2' })]
  server.next.push(ada, eve)
  const credentials = { email: 'ada@example.com', password: 'a rather long phrase' }
  await the.client.auth.signInWithPassword(credentials)
  await the.client.auth.signInWithPassword(credentials)
  await the.pass()
  const said = socket.sent.slice(1).filter(({ type }) => type !== 'unsubscribe')
  expect(said.at(-2)).toMatchObject({ type: 'auth', token: eve.accessToken })
  expect(said.at(-1)).toMatchObject({ type: 'subscribe' })
})

test('a token is exchanged before its end, on the same socket, with nothing asked anew', async () => {
  const { the, server, signIn } = app()
  await signIn(session())
  const live = listen(the)
  const socket = await the.connect()
  socket.snapshot(socket.lastId, [])
  const next = session()
  server.next.push(next)
  await the.pass(14.9 * 60_000)
  expect(socket.sentOf('auth')).toHaveLength(2)
  expect(socket.sentOf('auth')[1]).toMatchObject({ token: next.accessToken })
  expect(socket.sentOf('subscribe')).toHaveLength(1)
  expect(live.state.status).toBe('live')
  expect(the.sockets).toHaveLength(1)
})

test('a refresh that fails for now is tried again, and costs no connection', async () => {
  const { the, server, signIn } = app()
  await signIn(session())
  listen(the)
  const socket = await the.connect()
  const down = server.fetch.getMockImplementation()!
  server.fetch.mockImplementation(() => Promise.resolve(json(503, { code: 'unavailable' })))
  await the.pass(14.2 * 60_000)
  server.fetch.mockImplementation(down)
  server.next.push(session())
  await the.pass(60_000)
  expect(socket.sentOf('auth')).toHaveLength(2)
  expect(the.sockets).toHaveLength(1)
})

test('4401: a fresh token is asked for, and the list goes on where it was', async () => {
  const { the, server, signIn } = app()
  await signIn(session())
  const live = listen(the)
  const first = await the.connect()
  first.snapshot(first.lastId, [{ id: 'a' }], 'c3')
  const next = session()
  server.next.push(next)
  first.refuse('unauthenticated')
  first.end(4401)
  expect(live.state.status).toBe('reconnecting')
  await the.connect()
  expect(server.refreshes()).toBe(1)
  expect(the.socket.sent).toMatchObject([
    { type: 'auth', token: next.accessToken },
    { type: 'subscribe', cursor: 'c3' },
  ])
})

test('4401 again at once is reported, and ends when somebody else comes', async () => {
  const { the, server, signIn } = app()
  await signIn(session())
  const live = listen(the)
  await the.connect()
  server.next.push(session())
  the.socket.end(4401)
  const second = await the.connect()
  second.refuse('unauthenticated')
  second.end(4401)
  await the.pass(600_000)
  expect(the.sockets).toHaveLength(2)
  expect(live.state).toMatchObject({
    status: 'failed',
    error: { code: 'unauthenticated', message: 'detail of unauthenticated' },
  })
  await signIn(session({ id: 'u2' }))
  expect(live.state.status).toBe('loading')
  await the.connect()
  expect(the.sockets).toHaveLength(3)
})

test('4401 hours later is another matter', async () => {
  const { the, server, signIn } = app()
  await signIn(session({ lifeSeconds: 360_000 }))
  listen(the)
  for (let hour = 1; hour <= 3; hour++) {
    await the.connect()
    await the.pass(3_600_000)
    server.next.push(session({ lifeSeconds: 360_000 }))
    the.socket.end(4401)
  }
  await the.connect()
  expect(server.refreshes()).toBe(3)
  expect(the.client.realtime.state.status).toBe('connected')
})

test('4401 and a session that has ended: signed out, and on as nobody', async () => {
  const { the, signIn } = app()
  await signIn(session())
  const live = listen(the)
  const socket = await the.connect()
  socket.snapshot(socket.lastId, [{ id: 'private' }])
  socket.end(4401)
  await the.pass()
  expect(the.client.auth.state.status).toBe('signedOut')
  expect(live.state.status).toBe('loading')
  await the.connect()
  expect(kinds(the)).toEqual(['subscribe'])
})

test('4401 while the session can’t be renewed for now: again until it can', async () => {
  const { the, server, signIn } = app({ retries: 0 })
  await signIn(session())
  listen(the)
  await the.connect()
  server.fetch.mockResolvedValueOnce(json(503, { code: 'unavailable' }))
  const next = session()
  server.next.push(next)
  the.socket.end(4401)
  await the.pass(2_000)
  await the.connect()
  expect(the.socket.sent[0]).toMatchObject({ type: 'auth', token: next.accessToken })
})

test('a refused secret key is told and not tried again', async () => {
  const the = script({ key: 'sk_1' })
  const live = listen(the)
  await the.connect()
  the.socket.end(4401)
  await the.pass(60_000)
  expect(the.sockets).toHaveLength(1)
  expect((live.state as { error: BasaltError }).error.code).toBe('unauthenticated')
})

test('a client of a user’s token speaks as that user, without the server’s key', async () => {
  const the = script({ key: 'sk_1' })
  the.client
    .as('token-of-ada')
    .collection('posts')
    .live(() => {})
  await the.connect()
  expect(the.socket.url).not.toContain('key')
  expect(the.socket.sent).toMatchObject([{ type: 'auth', token: 'token-of-ada' }, { type: 'subscribe' }])
  the.socket.end(4401)
  await the.pass(60_000)
  expect(the.sockets).toHaveLength(1)
})

test('tokens from elsewhere: another one of the same user, another user, nobody', async () => {
  let token: string | null = session().accessToken
  const the = script({ accessToken: () => token })
  const live = listen(the)
  const socket = await the.connect()
  socket.snapshot(socket.lastId, [{ id: 'a' }])
  token = session().accessToken
  await the.pass(25_000)
  expect(live.state.status).toBe('live')
  expect(socket.sentOf('auth').at(-1)).toHaveProperty('token', token)
  token = session({ id: 'u2' }).accessToken
  the.client.realtime.reconnect()
  await the.pass()
  expect(live.state.status).toBe('loading')
  expect(socket.sent.slice(-2)).toMatchObject([{ type: 'auth', token }, { type: 'subscribe' }])
  token = null
  await the.pass(25_000)
  expect(socket.sent.slice(-2)).toMatchObject([{ type: 'auth', token: null }, { type: 'subscribe' }])
})

test('another user’s token after a lost connection takes nothing of the one before along', async () => {
  let token = session().accessToken
  const the = script({ accessToken: () => token })
  const live = listen(the)
  const socket = await the.connect()
  socket.snapshot(socket.lastId, [{ id: 'of ada' }])
  token = session({ id: 'u2' }).accessToken
  socket.end()
  await the.pass(1_000)
  await the.connect()
  expect(live.state.status).toBe('loading')
  expect(the.socket.sent[1]).not.toHaveProperty('cursor')
})

test('a token that never comes does not hold the client for ever', async () => {
  let asked = 0
  const the = script({
    accessToken: () => {
      asked += 1
      return new Promise(() => {})
    },
  })
  listen(the)
  await the.pass(31_000)
  expect(asked).toBe(2)
})
