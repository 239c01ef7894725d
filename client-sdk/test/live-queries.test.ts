import { expect, test } from 'vitest'
import type { BasaltError, LiveChange, LiveQueryState } from '../src/client.ts'
import { type Script, script } from './scripted-sockets.ts'

type Row = Record<string, unknown>

const a = { id: 'a', votes: 1, tags: ['x', { deep: true }] }
const b = { id: 'b', votes: 2 }
const c = { id: 'c', votes: 3 }

/** A copy, as each message brings. */
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value))

/** A live query that has its first list. */
async function liveList(documents: object[] = [a, b], the = script()) {
  const live = the.client.collection('posts').live({ where: { votes: { $gte: 1 } }, sort: ['votes'] })
  const states: LiveQueryState<Row>[] = []
  live.subscribe((state) => states.push(state))
  const socket = await the.connect()
  socket.snapshot(socket.lastId, documents)
  return { the, live, states, socket }
}

const statuses = (states: readonly { status: string }[]) => states.map(({ status }) => status)

async function reconnect(the: Script): Promise<void> {
  the.socket.end()
  await the.pass(30_000)
  await the.connect()
}

test('a query asks for what it says, and shows the list', async () => {
  const { states, socket } = await liveList()
  expect(socket.sent).toEqual([
    {
      type: 'subscribe',
      id: expect.any(String),
      collection: 'posts',
      where: { votes: { $gte: 1 } },
      sort: ['votes'],
    },
  ])
  expect(states).toEqual([
    { status: 'loading', documents: undefined },
    { status: 'live', documents: [a, b] },
  ])
})

test('what was built before is asked for too', async () => {
  const the = script()
  const query = the.client.collection('posts').where({ x: 1 }).orderBy('-y').limit(3).select('x')
  query.live({ where: { z: 2 }, fields: ['z'] }, () => {})
  const socket = await the.connect()
  expect(socket.sent).toMatchObject([
    { where: { $and: [{ x: 1 }, { z: 2 }] }, sort: ['-y'], limit: 3, fields: ['x', 'z'] },
  ])
})

test.each([
  ['includes', (the: Script) => the.client.collection('posts').include('author' as never)],
  ['pages', (the: Script) => the.client.collection('posts').after('cursor')],
])('there are no live %s', (_, make) => {
  expect(() => (make(script()) as unknown as { live(): void }).live()).toThrow(TypeError)
})

test('a condition on undefined is a mistake, and no weaker query', () => {
  const posts = script().client.collection('posts')
  expect(() => posts.live({ where: { author: undefined } })).toThrow('where.0.author is undefined')
})

test('nothing is opened before somebody listens', async () => {
  const the = script()
  const live = the.client.collection('posts').live()
  await the.pass(60_000)
  expect(the.sockets).toEqual([])
  expect(live.state.status).toBe('loading')
})

test('changes are taken in their order; what did not change stays the same object', async () => {
  const { live, socket } = await liveList([a, b])
  const before = live.state.documents!
  const b9 = { ...b, votes: 9 }
  socket.change(socket.lastId, [
    { kind: 'added', document: c, index: 2 },
    { kind: 'changed', document: b9, index: 2 },
    { kind: 'removed', document: { id: 'c' } },
  ])
  expect(live.state.documents).toEqual([a, b9])
  expect(live.state.documents![0]).toBe(before[0])
})

test('a document moves without becoming another one', async () => {
  const { live, socket } = await liveList([a, b, c])
  const [first] = live.state.documents!
  socket.change(socket.lastId, [{ kind: 'changed', document: copy(a), index: 2 }])
  expect(live.state.documents).toEqual([b, c, a])
  expect(live.state.documents![2]).toBe(first)
})

test('what says nothing new tells nobody', async () => {
  const { states, live, socket } = await liveList()
  const { state } = live
  socket.change(socket.lastId, [])
  socket.change(socket.lastId, [{ kind: 'changed', document: copy(a), index: 0 }])
  socket.snapshot(socket.lastId, copy([a, b]))
  expect(states).toHaveLength(2)
  expect(live.state).toBe(state)
})

test('the same change twice does no harm', async () => {
  const { live, socket } = await liveList()
  for (const _ of [1, 2]) {
    socket.change(socket.lastId, [
      { kind: 'removed', document: { id: 'a' } },
      { kind: 'added', document: c, index: 1 },
    ])
  }
  expect(live.state.documents).toEqual([b, c])
})

test('equal queries share a subscription, whoever asks and in whatever order of names', async () => {
  const the = script()
  const posts = the.client.collection('posts')
  const one = posts.live({ where: { x: 1, y: 2 } })
  const two = posts.where({ y: 2, x: 1 }).live()
  const other = posts.live({ where: { x: 2 } })
  const stops = [one, two, other].map((live) => live.subscribe(() => {}))
  const socket = await the.connect()
  expect(socket.sentOf('subscribe')).toHaveLength(2)
  socket.snapshot(socket.sent[0]!.id!, [a])
  expect(one.state).toBe(two.state)
  stops[0]!()
  await the.pass()
  expect(socket.sentOf('unsubscribe')).toEqual([])
  expect(two.state.documents).toEqual([a])
  stops[1]!()
  await the.pass()
  expect(socket.sentOf('unsubscribe')).toEqual([{ type: 'unsubscribe', id: socket.sent[0]!.id }])
})

test('who comes later sees at once what is known', async () => {
  const { the, live } = await liveList()
  const later = the.client.collection('posts').live({ sort: ['votes'], where: { votes: { $gte: 1 } } })
  expect(later.state).toBe(live.state)
  const states: unknown[] = []
  later.subscribe((state) => states.push(state))
  expect(states).toEqual([live.state])
})

test('leaving and coming back in one moment is not noticed by the server', async () => {
  const the = script()
  const posts = the.client.collection('posts')
  posts.live().subscribe(() => {})()
  const live = posts.live()
  const stop = live.subscribe(() => {})
  const socket = await the.connect()
  socket.snapshot(socket.lastId, [a])
  stop()
  live.subscribe(() => {})
  await the.pass()
  expect(socket.sent).toHaveLength(1)
  expect(live.state.documents).toEqual([a])
})

test('what was on its way when a query was closed reaches nobody, under whatever id', async () => {
  const { the, live, states, socket } = await liveList()
  const id = socket.lastId
  live.close()
  await the.pass()
  const again = the.client.collection('posts').live({ where: { votes: { $gte: 1 } }, sort: ['votes'] })
  again.subscribe(() => {})
  await the.pass()
  expect(socket.lastId).not.toBe(id)
  socket.change(id, [{ kind: 'added', document: c, index: 0 }])
  socket.refuse('forbidden', id)
  socket.say({ type: 'resync', id })
  expect(again.state.status).toBe('loading')
  expect(statuses(states)).toEqual(['loading', 'live', 'closed'])
})

test('after a lost connection the old list stays, and the query goes on from its cursor', async () => {
  const { the, live, states, socket } = await liveList()
  socket.change(socket.lastId, [], 'c7')
  const before = live.state.documents
  await reconnect(the)
  expect(live.state).toEqual({ status: 'reconnecting', documents: [a, b] })
  expect(live.state.documents).toBe(before)
  expect(the.socket.sent).toMatchObject([{ type: 'subscribe', cursor: 'c7' }])
  the.socket.change(the.socket.lastId, [])
  expect(live.state).toEqual({ status: 'live', documents: [a, b] })
  expect(live.state.documents).toBe(before)
  expect(statuses(states)).toEqual(['loading', 'live', 'reconnecting', 'live'])
})

test('a resync keeps the old list until the new one is there, and every object that is in both', async () => {
  const { the, live, states, socket } = await liveList([a, b])
  const [first] = live.state.documents!
  const id = socket.lastId
  socket.say({ type: 'resync', id })
  expect(live.state).toEqual({ status: 'reconnecting', documents: [a, b] })
  await the.pass(1_000)
  expect(socket.sent.at(-1)).not.toHaveProperty('cursor')
  socket.snapshot(id, [c])
  expect(live.state.documents).toEqual([a, b])
  socket.snapshot(socket.lastId, copy([c, a]))
  expect(live.state.documents).toEqual([c, a])
  expect(live.state.documents![1]).toBe(first)
  expect(statuses(states)).toEqual(['loading', 'live', 'reconnecting', 'live'])
})

test('a connection that is lost before the first list keeps loading', async () => {
  const the = script()
  const live = the.client.collection('posts').live()
  live.subscribe(() => {})
  await the.connect()
  await reconnect(the)
  expect(live.state.status).toBe('loading')
  expect(the.socket.sent).toMatchObject([{ type: 'subscribe' }])
  expect(the.socket.sent[0]).not.toHaveProperty('cursor')
})

test('a refused query fails, alone', async () => {
  const { the, live, socket } = await liveList()
  const other = the.client.collection('secrets').live()
  other.subscribe(() => {})
  await the.pass()
  socket.refuse('forbidden', socket.lastId)
  expect(other.state).toMatchObject({ status: 'failed', documents: undefined, error: { code: 'forbidden' } })
  expect(live.state.status).toBe('live')
  await reconnect(the)
  expect(the.socket.sentOf('subscribe')).toHaveLength(1)
  expect(other.state.status).toBe('failed')
})

test.each(['rate_limited', 'unavailable', 'timeout', 'internal'])(
  'what passes is asked again after a while: %s',
  async (code) => {
    const { the, live, socket } = await liveList()
    socket.refuse(code, socket.lastId)
    expect(live.state.status).toBe('reconnecting')
    await the.pass(1_000)
    expect(socket.sentOf('subscribe')).toHaveLength(2)
    expect(socket.sentOf('subscribe')[1]).toHaveProperty('cursor', 'c1')
  },
)

test('what keeps being busy is asked ever more rarely', async () => {
  const the = script()
  the.client.collection('posts').live(() => {})
  const socket = await the.connect()
  for (const delay of [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
    const { length } = socket.sentOf('subscribe')
    socket.refuse('unavailable', socket.lastId)
    await the.pass(delay - 1)
    expect(socket.sentOf('subscribe')).toHaveLength(length)
    await the.pass(1)
    expect(socket.sentOf('subscribe')).toHaveLength(length + 1)
  }
})

test('a query that no message can hold fails, and the socket lives', async () => {
  const the = script()
  const long = the.client.collection('posts').live({ where: { title: { $in: ['€'.repeat(22_000)] } } })
  long.subscribe(() => {})
  the.client.collection('posts').live({ where: { title: 'x'.repeat(60_000) } }, () => {})
  const socket = await the.connect()
  expect(long.state).toMatchObject({ status: 'failed', error: { code: 'payload_too_large' } })
  expect(socket.sentOf('subscribe')).toHaveLength(1)
})

test('who iterates sees the newest list, and never one that is behind', async () => {
  const { live, socket } = await liveList([a])
  const seen: Row[][] = []
  for await (const documents of live) {
    seen.push([...documents])
    if (seen.length === 1) {
      socket.change(socket.lastId, [{ kind: 'added', document: b, index: 1 }])
      socket.change(socket.lastId, [{ kind: 'added', document: c, index: 2 }])
    } else if (seen.length === 2)
      setImmediate(() => socket.change(socket.lastId, [{ kind: 'removed', document: a }]))
    else break
  }
  expect(seen).toEqual([[a], [a, b, c], [b, c]])
})

test('iterating ends with close, throws what the query fails with, and the reason of the signal', async () => {
  const the = script()
  const posts = the.client.collection('posts')
  const controller = new AbortController()
  const [closing, failing, aborted] = [
    posts.live(),
    posts.live({ limit: 2 }),
    posts.live({ signal: controller.signal }),
  ]
  const ends = [closing, failing, aborted].map(async (live) => {
    for await (const _ of live);
    return 'end'
  })
  const socket = await the.connect()
  closing.close()
  socket.refuse('forbidden', socket.sentOf('subscribe').find(({ limit }) => limit === 2)!.id)
  controller.abort(new Error('enough'))
  expect(await Promise.allSettled(ends)).toMatchObject([
    { value: 'end' },
    { reason: { code: 'forbidden' } },
    { reason: { message: 'enough' } },
  ])
})

test('leaving the loop leaves the subscription', async () => {
  const { the, live, socket } = await liveList()
  const other = the.client.collection('posts').live({ limit: 1 })
  const loop = (async () => {
    for await (const _ of other) break
  })()
  await the.pass()
  const id = socket.lastId
  socket.snapshot(id, [a])
  await loop
  await the.pass()
  expect(socket.sentOf('unsubscribe')).toEqual([{ type: 'unsubscribe', id }])
  expect(live.state.status).toBe('live')
})

test('an aborted signal closes, before and after', async () => {
  const { the } = await liveList()
  const posts = the.client.collection('posts')
  expect(posts.live({ signal: AbortSignal.abort() }).state.status).toBe('closed')
  const controller = new AbortController()
  const live = posts.live({ signal: controller.signal }, () => {})
  controller.abort()
  expect(live.state.status).toBe('closed')
})

test('`using` closes', async () => {
  const { the } = await liveList()
  const states: string[] = []
  {
    using live = the.client.collection('posts').live({ limit: 3 }, ({ status }) => states.push(status))
    expect(live.state.status).toBe('loading')
  }
  expect(states).toEqual(['loading', 'closed'])
})

test('who wants to know what changed is told, of what was missed too', async () => {
  const { the, live, socket } = await liveList([a, b])
  const told: (readonly LiveChange<Row>[])[] = []
  live.onChange((changes) => told.push(changes))
  const b9 = { ...b, votes: 9 }
  socket.change(socket.lastId, [{ kind: 'changed', document: b9, index: 1 }])
  socket.change(socket.lastId, [])
  await reconnect(the)
  the.socket.say({ type: 'resync', id: the.socket.lastId })
  await the.pass(1_000)
  the.socket.snapshot(the.socket.lastId, copy([c, b9]))
  expect(told).toEqual([
    [{ kind: 'changed', document: b9, index: 1 }],
    [
      { kind: 'removed', document: a },
      { kind: 'added', document: c, index: 0 },
    ],
  ])
})

test('one document: null until there is one, and again when it has gone', async () => {
  const the = script()
  const states: unknown[] = []
  const live = the.client.collection('posts').liveDocument('a', {}, ({ status, document }) => {
    states.push([status, document])
  })
  const socket = await the.connect()
  expect(socket.sent).toMatchObject([{ type: 'subscribe', collection: 'posts', document: 'a' }])
  socket.snapshot(socket.lastId, [])
  socket.change(socket.lastId, [{ kind: 'added', document: a, index: 0 }])
  const { state } = live
  expect(live.state).toBe(state)
  socket.change(socket.lastId, [{ kind: 'removed', document: { id: 'a' } }])
  expect(states).toEqual([
    ['loading', undefined],
    ['live', null],
    ['live', a],
    ['live', null],
  ])
  expect(() => the.client.collection('posts').liveDocument('../x')).toThrow(TypeError)
})

test('a listener that throws keeps the news from nobody else', async () => {
  const { live, socket } = await liveList()
  const thrown: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => thrown.push(error))
  try {
    const lists: unknown[] = []
    live.onChange(() => {
      throw new Error('a mistake of the app')
    })
    live.subscribe(({ documents }) => lists.push(documents))
    socket.change(socket.lastId, [{ kind: 'removed', document: { id: 'a' } }])
    await new Promise(setImmediate)
    expect(lists.at(-1)).toEqual([b])
    expect(thrown).toEqual([new Error('a mistake of the app')])
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
  }
})

test('closing the client’s realtime closes everything; something new opens it again', async () => {
  const { the, live, socket } = await liveList()
  the.client.realtime.close()
  expect(live.state.status).toBe('closed')
  expect(socket.isClosed).toBe(true)
  const again = the.client.collection('posts').live()
  again.subscribe(() => {})
  await the.connect()
  expect(the.sockets).toHaveLength(2)
  expect(again.state.status).toBe('loading')
})

test('an error’s faults come along', async () => {
  const the = script()
  const live = the.client.collection('posts').live({ where: { $nope: 1 } as never })
  live.subscribe(() => {})
  const socket = await the.connect()
  const errors = [{ path: 'where.$nope', code: 'unknown_operator', message: 'no such operator' }]
  socket.say({ type: 'error', id: socket.lastId, code: 'invalid_request', detail: 'Bad.', errors })
  const { error } = live.state as { error: BasaltError }
  expect([error.name, error.code, error.message, error.errors]).toEqual([
    'BasaltError',
    'invalid_request',
    'Bad.',
    errors,
  ])
})
