import { expect, test } from 'vitest'
import type { BasaltError, Channel, Member } from '../src/client.ts'
import { failureOf, scriptedServer, answer } from './scripted-server.ts'
import { script, type Script } from './scripted-sockets.ts'

interface Presence {
  name: string
}
interface Events {
  moved: { x: number }
  typed: string
}

const ada: Member<Presence> = { id: 'm1', uid: 'u1', presence: { name: 'Ada' } }
const bob: Member<Presence> = { id: 'm2', uid: null, presence: { name: 'Bob' } }

function room(the: Script): Channel<Presence, Events> {
  return the.client.channel('room:42')
}

function tell(the: Script, kind: string, members: object[]): void {
  the.socket.say({ type: 'presence', id: the.socket.lastId, channel: 'room:42', kind, members })
}

async function joined(the = script(), presence?: Presence) {
  const channel = room(the)
  const join = channel.join(presence === undefined ? {} : { presence })
  await the.connect()
  tell(the, 'state', [])
  await join
  return { the, channel }
}

async function reconnect(the: Script): Promise<void> {
  the.socket.end()
  await the.pass(30_000)
  await the.connect()
}

test('joining opens the socket and ends with the answer', async () => {
  const the = script()
  const channel = room(the)
  const states: string[] = []
  channel.subscribe(({ status }) => states.push(status))
  let isIn = false
  const join = channel.join({ presence: { name: 'Ada' } }).then(() => (isIn = true))
  await the.connect()
  expect(the.socket.sent).toMatchObject([{ type: 'join', channel: 'room:42', presence: { name: 'Ada' } }])
  expect(isIn).toBe(false)
  tell(the, 'state', [])
  await join
  expect(states).toEqual(['left', 'joining', 'joined'])
  await channel.join()
  expect(the.socket.sent).toHaveLength(1)
})

test('messages reach those who listen for their name, until they stop', async () => {
  const { the, channel } = await joined()
  const moved: unknown[] = []
  const stop = channel.on('moved', (payload, sender) => moved.push(payload, sender))
  const message = { type: 'broadcast', id: the.socket.lastId, channel: 'room:42', uid: 'u1' }
  the.socket.say(
    { ...message, event: 'moved', payload: { x: 1 } },
    { ...message, event: 'typed', payload: '' },
  )
  stop()
  the.socket.say({ ...message, event: 'moved', payload: { x: 2 } })
  expect(moved).toEqual([{ x: 1 }, { uid: 'u1' }])
})

test('a broadcast is sent while there is a connection, and gone without', async () => {
  const { the, channel } = await joined()
  expect(channel.broadcast('moved', { x: 1 })).toBe(true)
  await the.pass()
  expect(the.socket.sent.at(-1)).toEqual({
    type: 'broadcast',
    id: expect.any(String),
    channel: 'room:42',
    event: 'moved',
    payload: { x: 1 },
  })
  the.socket.end()
  expect(channel.broadcast('moved', { x: 2 })).toBe(false)
  await the.pass(1_000)
  await the.connect()
  expect(the.socket.sentOf('broadcast')).toEqual([])
  channel.leave()
  expect(channel.broadcast('moved', { x: 3 })).toBe(false)
})

test('more than the server takes is not kept for ever', async () => {
  const { the, channel } = await joined()
  const results = Array.from({ length: 1_000 }, (_, x) => channel.broadcast('moved', { x }))
  expect(results.filter(Boolean).length).toBeLessThanOrEqual(300)
  await the.pass(20_000)
  expect(the.socket.sentOf('broadcast')).toHaveLength(results.filter(Boolean).length)
})

test('a message over 64 KiB is refused before it costs the socket', async () => {
  const { channel } = await joined()
  expect(() => channel.broadcast('typed', '€'.repeat(22_000))).toThrow(
    expect.objectContaining({ code: 'payload_too_large' }),
  )
})

test('a refused broadcast is told, and the membership goes on', async () => {
  const { the, channel } = await joined()
  const errors: BasaltError[] = []
  channel.onError((error) => errors.push(error))
  channel.broadcast('typed', 'x')
  await the.pass()
  the.socket.refuse('forbidden', the.socket.sentOf('broadcast')[0]!.id)
  expect(errors).toMatchObject([{ code: 'forbidden' }])
  expect(channel.state.status).toBe('joined')
})

test('who is there: members who did not change stay the same objects', async () => {
  const { the, channel } = await joined()
  const seen: (readonly Member<Presence>[])[] = []
  channel.presence.subscribe((members) => seen.push(members))
  tell(the, 'join', [ada])
  tell(the, 'join', [bob])
  const [first] = channel.presence.members
  tell(the, 'update', [{ ...bob, presence: { name: 'Robert' } }])
  expect(channel.presence.members[0]).toBe(first)
  tell(the, 'state', [ada, { ...bob, presence: { name: 'Robert' } }])
  tell(the, 'leave', [ada])
  expect(seen).toEqual([
    [],
    [ada],
    [ada, bob],
    [ada, { ...bob, presence: { name: 'Robert' } }],
    [{ ...bob, presence: { name: 'Robert' } }],
  ])
})

test('one’s own state is changed in place, hidden, and shown again after a reconnect', async () => {
  const { the, channel } = await joined(script(), { name: 'Ada' })
  channel.presence.update({ name: 'Countess' })
  await the.pass()
  expect(the.socket.sent.at(-1)).toEqual({
    type: 'presence',
    id: the.socket.lastId,
    presence: { name: 'Countess' },
  })
  await reconnect(the)
  expect(the.socket.sent).toMatchObject([{ type: 'join', presence: { name: 'Countess' } }])
  channel.presence.update(null)
  await reconnect(the)
  expect(the.socket.sent[0]).not.toHaveProperty('presence')
})

test('while the connection is away, members stay; the answer says who is there now', async () => {
  const { the, channel } = await joined()
  tell(the, 'join', [ada, bob])
  await reconnect(the)
  expect(channel.state.status).toBe('reconnecting')
  expect(channel.presence.members).toEqual([ada, bob])
  tell(the, 'state', [bob])
  expect(channel.state.status).toBe('joined')
  expect(channel.presence.members).toEqual([bob])
})

test('rules that say no fail the join; another try asks again', async () => {
  const the = script()
  const channel = room(the)
  const join = failureOf(channel.join())
  await the.connect()
  the.socket.refuse('forbidden', the.socket.lastId)
  expect(await join).toMatchObject({ code: 'forbidden' })
  expect(channel.state).toMatchObject({ status: 'failed', error: { code: 'forbidden' } })
  const again = channel.join()
  await the.pass()
  tell(the, 'state', [ada])
  await again
  expect(channel.presence.members).toEqual([ada])
})

test('whoever is put out sees nobody any more', async () => {
  const { the, channel } = await joined()
  tell(the, 'join', [ada])
  the.socket.refuse('forbidden', the.socket.lastId)
  expect(channel.state.status).toBe('failed')
  expect(channel.presence.members).toEqual([])
})

test('leaving tells the server, and ends a join that waits; what is on its way reaches nobody', async () => {
  const { the, channel } = await joined()
  const id = the.socket.lastId
  channel.on('typed', () => expect.fail('nobody is there'))
  channel.leave()
  await the.pass()
  expect(the.socket.sent.at(-1)).toEqual({ type: 'unsubscribe', id })
  the.socket.say({ type: 'broadcast', id, channel: 'room:42', event: 'typed', payload: '', uid: null })
  expect(channel.state.status).toBe('left')
  const waiting = failureOf(channel.join())
  channel.leave()
  expect(await waiting).toMatchObject({ name: 'AbortError' })
})

test('a signal leaves', async () => {
  const the = script()
  const channel = room(the)
  const controller = new AbortController()
  const join = failureOf(channel.join({ signal: controller.signal }))
  await the.connect()
  controller.abort(new Error('enough'))
  expect(await join).toEqual(new Error('enough'))
  expect(await failureOf(channel.join({ signal: controller.signal }))).toEqual(new Error('enough'))
  expect(channel.state.status).toBe('left')
})

test('joining, leaving and joining again in one moment is one join for the others', async () => {
  const the = script()
  const live = the.client.collection('posts').live(() => {})
  await the.connect()
  const [one, two] = [room(the), room(the)]
  const left = failureOf(one.join())
  one.leave()
  const join = two.join()
  await left
  await the.pass()
  tell(the, 'state', [])
  await join
  expect(the.socket.sentOf('join')).toHaveLength(1)
  expect(the.socket.sentOf('unsubscribe')).toHaveLength(0)
  live.close()
})

test('each channel is a membership of its own', async () => {
  const { the, channel } = await joined()
  const other = room(the)
  const join = other.join()
  await the.pass()
  tell(the, 'state', [bob])
  await join
  expect([channel.presence.members, other.presence.members]).toEqual([[], [bob]])
})

test('servers broadcast, and set the rules of channels, over HTTP', async () => {
  const rules = { join: 'auth != null' }
  const server = await scriptedServer(
    answer(202),
    answer(200, { pattern: 'room:*', rules }),
    answer(200, { channelRules: [{ pattern: 'room:*', rules }] }),
    answer(200, { pattern: 'room:*', rules }),
    answer(204),
  )
  const client = server.client({ key: 'sk_1' })
  await client.broadcast('room:42', 'news', { n: 1 })
  await client.channels.put('room:*', { rules })
  expect(await client.channels.list()).toEqual([{ pattern: 'room:*', rules }])
  await client.channels.get('room:*')
  await client.channels.delete('room:*')
  const base = '/v1/projects/demo/channels'
  expect(server.seen.map(({ method, path, body }) => [method, path, body])).toEqual([
    ['POST', `${base}/room%3A42/broadcast`, '{"event":"news","payload":{"n":1}}'],
    ['PUT', `${base}/rules/room%3A*`, JSON.stringify({ rules })],
    ['GET', `${base}/rules`, ''],
    ['GET', `${base}/rules/room%3A*`, ''],
    ['DELETE', `${base}/rules/room%3A*`, ''],
  ])
})
