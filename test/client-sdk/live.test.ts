import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type AuthStorage,
  type Basalt,
  type ClientOptions,
  createClient,
  memoryStorage,
  type UntypedSchema,
} from '../../client-sdk/src/client.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { startOn, startTestServer, type TestProject, type TestServer } from '../support/server.ts'

type Client = Basalt<UntypedSchema>

const password = 'a rather long phrase'
let people = 0

const openRules = { read: 'true', list: 'true', create: 'true', update: 'true', delete: 'true' }
const privateRules = {
  read: 'auth != null && doc.owner == auth.uid',
  list: 'auth != null && doc.owner == auth.uid',
  create: 'auth != null && doc.owner == auth.uid',
}

describe('the client and a server', () => {
  let server: TestServer
  let project: TestProject
  let clients: Client[] = []

  beforeAll(async () => {
    server = await startTestServer()
    project = await server.createProject()
    await project.defineCollection('posts', { rules: openRules })
    await project.defineCollection('notes', { rules: privateRules })
    await connect(project.secret).channels.put('room:*', {
      rules: {
        join: 'true',
        broadcast: 'message.event != "shout"',
        presence: 'auth != null || channel.name == "room:open"',
      },
    })
  })

  afterEach(() => {
    for (const client of clients) client.realtime.close()
    clients = []
  })

  afterAll(() => server.stop())

  function connect(
    key = project.publishable,
    options: Partial<ClientOptions<UntypedSchema>> = {},
    ref = project.ref,
  ): Client {
    const auth = { storage: memoryStorage() }
    const client = createClient({ url: server.url, project: ref, key, auth, ...options })
    clients.push(client)
    return client
  }

  const signUp = (client: Client) =>
    client.auth.signUp({ email: `person${++people}@example.com`, password }).then((session) => session!.user)

  test('a list follows what is written, exactly, and with the same objects', async () => {
    const app = connect()
    const posts = app.collection('posts')
    const live = posts.where({ room: 'a' }).orderBy('-votes').limit(2).live()
    const lists: unknown[][] = []
    live.subscribe(({ documents }) => documents && lists.push(documents.map((post) => post['title'])))
    await expect.poll(() => live.state.status).toBe('live')
    const one = await posts.create({ room: 'a', title: 'one', votes: 1 })
    await posts.create({ room: 'a', title: 'three', votes: 3 })
    await expect.poll(() => live.state.documents).toHaveLength(2)
    const [first] = live.state.documents!
    await posts.create({ room: 'b', title: 'elsewhere', votes: 9 })
    const two = await posts.create({ room: 'a', title: 'two', votes: 2 })
    await expect.poll(() => lists.at(-1)).toEqual(['three', 'two'])
    expect(live.state.documents![0]).toBe(first)
    await posts.delete(two.id)
    await expect.poll(() => lists.at(-1)).toEqual(['three', 'one'])
    await posts.update(one.id, { votes: 4 })
    await expect.poll(() => lists.at(-1)).toEqual(['one', 'three'])
    expect(live.state.documents![1]).toBe(first)
    const { documents } = await posts.where({ room: 'a' }).orderBy('-votes').limit(2).find()
    expect(live.state.documents).toEqual(documents)
  })

  test('one document: not there, there, changed, gone; with the chosen fields', async () => {
    const posts = connect().collection('posts')
    const seen: unknown[] = []
    const live = posts.liveDocument('only', { fields: ['title'] }, ({ document }) => seen.push(document))
    await expect.poll(() => live.state.document).toBe(null)
    await posts.create({ id: 'only', title: 'x', votes: 1 })
    await expect.poll(() => live.state.document).toEqual({ id: 'only', title: 'x' })
    await posts.update('only', { title: 'y' })
    await posts.delete('only')
    await expect.poll(() => live.state.document).toBe(null)
    expect(seen).toEqual([undefined, null, { id: 'only', title: 'x' }, { id: 'only', title: 'y' }, null])
  })

  test('what is wrong with a query is told as over HTTP, and the others go on', async () => {
    const app = connect()
    const good = app.collection('posts').live({ where: { room: 'none' } }, () => {})
    const wrong = { $nope: 1 } as never
    const bad = app.collection('posts').live({ where: { votes: wrong } }, () => {})
    const unknown = app.collection('nowhere').live(() => {})
    await expect.poll(() => bad.state.status).toBe('failed')
    const error = await app
      .collection('posts')
      .where({ votes: wrong })
      .find()
      .catch((reason: unknown) => reason)
    expect(bad.state).toMatchObject({
      error: { code: 'invalid_request', errors: (error as { errors: unknown }).errors },
    })
    await expect.poll(() => unknown.state).toMatchObject({ error: { code: 'not_found' } })
    await expect.poll(() => good.state.status).toBe('live')
  })

  test('more queries than messages may come at once are all answered', async () => {
    const limited = await startTestServer({ BASALT_RATE_LIMITS: 'on' })
    try {
      const other = await limited.createProject()
      await other.defineCollection('posts', { rules: openRules })
      const app = connect(other.publishable, { url: limited.url }, other.ref)
      const lives = Array.from({ length: 99 }, (_, n) =>
        app.collection('posts').live({ limit: n + 1 }, () => {}),
      )
      for (const live of lives.slice(0, 40)) live.close()
      const more = Array.from({ length: 40 }, (_, n) =>
        app.collection('posts').live({ limit: n + 1, sort: ['x'] }, () => {}),
      )
      await expect
        .poll(() => new Set([...lives.slice(40), ...more].map(({ state }) => state.status)))
        .toEqual(new Set(['live']))
    } finally {
      await limited.stop()
    }
  })

  test('signing in and out changes what the same socket shows, at once', async () => {
    const sockets: string[] = []
    const app = connect(project.publishable, { webSocket: countingSockets(sockets) })
    const notes = app.collection('notes').live()
    const posts = app.collection('posts').live({ where: { room: 'signing' } })
    notes.subscribe(() => {})
    posts.subscribe(() => {})
    await expect.poll(() => posts.state.status).toBe('live')
    expect(notes.state.documents ?? []).toEqual([])
    const ada = await signUp(app)
    await app.collection('notes').create({ owner: ada.id, text: 'private' })
    await expect.poll(() => notes.state.documents).toMatchObject([{ text: 'private' }])
    await app.auth.signOut()
    expect(notes.state.documents).toBeUndefined()
    await expect.poll(() => posts.state.status).toBe('live')
    const eve = await signUp(app)
    await app.collection('notes').create({ owner: eve.id, text: 'of eve' })
    await expect.poll(() => notes.state.documents).toMatchObject([{ text: 'of eve' }])
    expect(sockets).toHaveLength(1)
  })

  test('a token that is due is exchanged on the open socket, and the list stays live', async () => {
    const storage: AuthStorage = { ...memoryStorage(), isShared: true }
    const sockets: string[] = []
    const app = connect(project.publishable, { webSocket: countingSockets(sockets), auth: { storage } })
    const ada = await signUp(app)
    const live = app.collection('notes').live()
    const statuses: string[] = []
    live.subscribe(({ status }) => statuses.push(status))
    await expect.poll(() => live.state.status).toBe('live')

    // As fourteen minutes later, and as another tab would tell.
    const key = `basalt-${project.ref}`
    const kept = JSON.parse((await storage.get(key))!) as { accessToken: string }
    await storage.set(key, JSON.stringify({ ...kept, refreshAt: 0 }))
    const tab = new BroadcastChannel(key)
    tab.postMessage('changed')
    await expect
      .poll(async () => {
        app.realtime.reconnect()
        return (JSON.parse((await storage.get(key))!) as { accessToken: string }).accessToken
      })
      .not.toBe(kept.accessToken)
    tab.close()

    await app.collection('notes').create({ owner: ada.id, text: 'after' })
    await expect.poll(() => live.state.documents).toMatchObject([{ text: 'after' }])
    expect(statuses.every((status) => status === 'loading' || status === 'live')).toBe(true)
    expect(sockets).toHaveLength(1)
  })

  test('who is signed out everywhere sees nothing private any more, within a second', async () => {
    const app = connect()
    const ada = await signUp(app)
    const phone = connect()
    await phone.auth.signInWithPassword({ email: ada.email!, password })
    const notes = phone.collection('notes').live()
    notes.subscribe(() => {})
    await app.collection('notes').create({ owner: ada.id, text: 'private' })
    await expect.poll(() => notes.state.documents).toHaveLength(1)
    await app.auth.signOut({ scope: 'all' })
    await expect.poll(() => notes.state.documents ?? [], { timeout: 5_000 }).toEqual([])
    await expect.poll(() => phone.auth.state.status).toBe('signedOut')
  })

  test('rules that are changed take effect on what is open', async () => {
    await project.defineCollection('drafts', { rules: openRules })
    const app = connect()
    const live = app.collection('drafts').live()
    live.subscribe(() => {})
    await app.collection('drafts').create({ title: 'x' })
    await expect.poll(() => live.state.documents).toHaveLength(1)
    await project.defineCollection('drafts', { rules: {} })
    await expect.poll(() => live.state).toMatchObject({ status: 'failed', error: { code: 'forbidden' } })
  })

  test('a server follows with its secret key, and as a user with that user’s rights', async () => {
    const app = connect()
    const ada = await signUp(app)
    await app.collection('notes').create({ owner: ada.id, text: 'private' })
    const backend = connect(project.secret)
    const all = backend.collection('notes').live({ where: { owner: ada.id } })
    all.subscribe(() => {})
    await expect.poll(() => all.state.documents).toHaveLength(1)
    const session = await app.auth.getSession()
    const asAda = backend.as(session!.accessToken)
    clients.push(asAda)
    const own = asAda.collection('notes').live(() => {})
    await expect.poll(() => own.state.documents).toMatchObject([{ text: 'private' }])
  })

  test.each([
    ['a wrong publishable key', 'pk_wrong', undefined],
    ['a wrong secret key', 'sk_wrong', undefined],
    ['a wrong project', undefined, 'nowhere'],
  ])('%s is told, and not tried for ever', async (_, key, ref) => {
    const live = connect(key, {}, ref)
      .collection('posts')
      .live(() => {})
    await expect
      .poll(() => live.state)
      .toMatchObject({
        status: 'failed',
        error: { code: 'unauthenticated' },
      })
  })

  test('channels: messages between those who are in, of whom the server knows who they are', async () => {
    const [ada, bob] = [connect(), connect()]
    const { id: uid } = await signUp(ada)
    const [one, two] = [ada.channel('room:1'), bob.channel('room:1')]
    await Promise.all([one.join(), two.join()])
    const heard: unknown[] = []
    one.on('said', (text) => heard.push(['oneself', text]))
    two.on('said', (text, sender) => heard.push([text, sender.uid]))
    one.broadcast('said', 'hello')
    await expect.poll(() => heard).toEqual([['hello', uid]])
    const errors: string[] = []
    one.onError(({ code }) => errors.push(code))
    one.broadcast('shout', 'HELLO')
    await expect.poll(() => errors).toEqual(['forbidden'])
    await connect(project.secret).broadcast('room:1', 'said', { from: 'a server' })
    await expect.poll(() => heard).toHaveLength(3)
    expect(heard).toContainEqual(['oneself', { from: 'a server' }])
    expect(heard).toContainEqual([{ from: 'a server' }, null])
    two.leave()
    one.broadcast('said', 'anybody?')
    await connect(project.secret).broadcast('room:1', 'said', 'end')
    await expect.poll(() => heard.at(-1)).toEqual(['oneself', 'end'])
    expect(heard).toHaveLength(4)
  })

  test('presence: who comes, changes and goes, and oneself among them', async () => {
    const [ada, bob] = [connect(), connect()]
    const { id: uid } = await signUp(ada)
    const [one, two] = [ada.channel('room:2'), bob.channel('room:2')]
    await two.join()
    await one.join({ presence: { name: 'Ada' } })
    await expect.poll(() => two.presence.members).toMatchObject([{ uid, presence: { name: 'Ada' } }])
    await expect.poll(() => one.presence.members).toEqual(two.presence.members)
    one.presence.update({ name: 'Countess' })
    await expect.poll(() => two.presence.members).toMatchObject([{ presence: { name: 'Countess' } }])
    one.presence.update(null)
    await expect.poll(() => two.presence.members).toEqual([])
    one.presence.update({ name: 'Ada' })
    await expect.poll(() => two.presence.members).toHaveLength(1)
    ada.realtime.close()
    await expect.poll(() => two.presence.members).toEqual([])
  })

  test('channels without rules, and what rules refuse, fail the join', async () => {
    const app = connect()
    await expect(app.channel('nobody').join()).rejects.toMatchObject({ code: 'forbidden' })
    await expect(app.channel('room:3').join({ presence: {} })).rejects.toMatchObject({ code: 'forbidden' })
    await expect(app.channel('not a name').join()).rejects.toMatchObject({ code: 'invalid_request' })
    await app.channel('room:open').join({ presence: {} })
  })

  test('a membership that a refused presence ends is over on the server too', async () => {
    const [app, other] = [connect(), connect()]
    const [one, two] = [app.channel('room:4'), other.channel('room:4')]
    await Promise.all([one.join(), two.join()])
    one.presence.update({ name: 'nobody' })
    await expect.poll(() => one.state).toMatchObject({ status: 'failed', error: { code: 'forbidden' } })
    expect(two.presence.members).toEqual([])
  })

  test('the rules of channels are listed and deleted', async () => {
    const { channels } = connect(project.secret)
    await channels.put('lobby', { rules: { join: 'true' } })
    expect(await channels.get('lobby')).toMatchObject({ pattern: 'lobby', rules: { join: 'true' } })
    expect((await channels.list()).map(({ pattern }) => pattern)).toEqual(['lobby', 'room:*'])
    await channels.delete('lobby')
    await expect(channels.get('lobby')).rejects.toMatchObject({ code: 'not_found' })
    await expect(channels.put('lobby', { rules: { join: 'auth.' } })).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })
})

describe('a server that restarts', () => {
  let database: TestDatabase
  let port: string
  let running: TestServer
  let other: TestServer
  let project: TestProject

  beforeAll(async () => {
    database = await createTestDatabase()
    port = String(await freePort())
    running = await startOn(database.url, { BASALT_PORT: port })
    other = await startOn(database.url)
    project = await running.createProject()
    await project.defineCollection('posts', { rules: openRules })
    await project.call('PUT', '/channels/rules/room', {
      body: { rules: { join: 'true', presence: 'true', broadcast: 'true' } },
    })
  })

  afterAll(async () => {
    await Promise.all([running.stop(), other.stop()])
    await database.drop()
  })

  test('is missed by no list and no channel: what was written meanwhile comes, the rest stays as it was', async () => {
    const elsewhere = createClient({ url: other.url, project: project.ref, key: project.secret }).collection(
      'posts',
    )
    const app = createClient({ url: running.url, project: project.ref, key: project.publishable })
    await elsewhere.create({ id: 'a', votes: 1 })
    await elsewhere.create({ id: 'b', votes: 2 })
    const live = app.collection('posts').live({ sort: ['votes'] })
    const statuses: string[] = []
    const changes: unknown[] = []
    live.subscribe(({ status }) => statuses.push(status))
    live.onChange((some) => changes.push(...some.map(({ kind, document }) => [kind, document['id']])))
    const room = app.channel('room')
    await room.join({ presence: { name: 'Ada' } })
    await expect.poll(() => live.state.status).toBe('live')
    const [a] = live.state.documents!

    await running.stop()
    await expect.poll(() => live.state.status).toBe('reconnecting')
    expect(live.state.documents).toHaveLength(2)
    await elsewhere.update('b', { votes: 3 })
    await elsewhere.create({ id: 'c', votes: 2 })
    running = await startOn(database.url, { BASALT_PORT: port })

    await expect.poll(() => live.state.status).toBe('live')
    expect(live.state.documents).toMatchObject([
      { id: 'a', votes: 1 },
      { id: 'c', votes: 2 },
      { id: 'b', votes: 3 },
    ])
    expect(live.state.documents![0]).toBe(a)
    expect(statuses).toEqual(['loading', 'live', 'reconnecting', 'live'])
    expect(changes).toHaveLength(2)
    expect(changes).toContainEqual(['added', 'c'])
    expect(changes).toContainEqual(['changed', 'b'])
    await expect.poll(() => room.state.status).toBe('joined')
    await expect.poll(() => room.presence.members).toMatchObject([{ presence: { name: 'Ada' } }])
    await elsewhere.delete('a')
    await expect.poll(() => live.state.documents).toHaveLength(2)
    app.realtime.close()
  })
})

/** The platform's sockets, with a note for each. */
function countingSockets(urls: string[]) {
  return class extends WebSocket {
    constructor(url: string) {
      super(url)
      urls.push(url)
    }
  }
}
