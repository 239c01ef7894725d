import { afterEach, describe, expect, test, vi } from 'vitest'
import type { ConnectionState } from '../src/client.ts'
import { script, type Script } from './scripted-sockets.ts'

const refused = () =>
  Promise.resolve(new Response('{"code":"unauthenticated","detail":"No."}', { status: 401 }))

function follow(the: Script): ConnectionState['status'][] {
  const seen: ConnectionState['status'][] = []
  the.client.realtime.subscribe(({ status }) => seen.push(status))
  return seen
}

/** Until the next try. */
async function wait(the: Script): Promise<number> {
  const { state } = the.client.realtime
  const delay = state.status === 'waiting' ? state.retryAt - Date.now() : 0
  await the.pass(Math.ceil(delay))
  return delay
}

const listen = (the: Script, limit = 1) => the.client.collection('posts').live({ limit }, () => {})

afterEach(() => vi.unstubAllGlobals())

test('one socket for everything, from the first to some seconds after the last', async () => {
  const the = script()
  const seen = follow(the)
  await the.pass(60_000)
  expect(the.sockets).toHaveLength(0)
  const lives = [1, 2, 3].map((limit) => listen(the, limit))
  await the.connect()
  expect(the.sockets).toHaveLength(1)
  for (const live of lives) live.close()
  await the.pass(4_000)
  const again = listen(the)
  await the.pass(60_000)
  expect(the.socket.isClosed).toBe(false)
  again.close()
  await the.pass(6_000)
  expect(the.socket.isClosed).toBe(true)
  expect(seen).toEqual(['idle', 'connecting', 'connected', 'idle'])
  await the.pass(600_000)
  expect(the.sockets).toHaveLength(1)
  expect(vi.getTimerCount()).toBe(0)
})

test('the publishable key is in the address', async () => {
  const the = script({ key: 'pk_a+b' })
  listen(the)
  await the.connect()
  expect(the.socket.url).toBe('wss://basalt.example/v1/projects/demo/realtime?key=pk_a%2Bb')
})

test('a secret is never in the address: it is the first message', async () => {
  const the = script({ key: 'sk_1' })
  listen(the)
  await the.connect()
  expect(the.socket.url).toBe('wss://basalt.example/v1/projects/demo/realtime')
  expect(the.socket.sent).toMatchObject([{ type: 'auth', token: 'sk_1' }, { type: 'subscribe' }])
})

describe('a lost connection', () => {
  test.each([
    ['during the handshake', async () => {}],
    ['before the first word', async (the: Script) => the.socket.onopen?.({} as never)],
    ['while it was open', async (the: Script) => void (await the.connect())],
  ])('is made again: %s', async (_when, until) => {
    const the = script()
    listen(the)
    await the.pass()
    await until(the)
    the.socket.end()
    expect(the.client.realtime.state).toMatchObject({ status: 'waiting', retryAt: expect.any(Number) })
    await the.pass(250)
    expect(the.sockets).toHaveLength(2)
    await the.connect()
    expect(the.socket.sentOf('subscribe')).toHaveLength(1)
    expect(the.client.realtime.state.status).toBe('connected')
  })

  test('is tried again ever more rarely, by chance, and at least twice a minute', async () => {
    const the = script({}, 0.999)
    listen(the)
    await the.pass()
    const delays: number[] = []
    for (let n = 0; n < 10; n++) {
      the.socket.end()
      delays.push(Math.round((await wait(the)) / 100) * 100)
    }
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000])
  })

  test('comes back at once if the server has gone, and later if it is overloaded', async () => {
    const the = script({}, 0.999)
    listen(the)
    await the.connect()
    await the.pass(60_000)
    the.socket.end(1001)
    await the.pass(500)
    expect(the.sockets).toHaveLength(2)
    await the.connect()
    the.socket.end(1013)
    await the.pass(7_000)
    expect(the.sockets).toHaveLength(2)
    await the.pass(1_000)
    expect(the.sockets).toHaveLength(3)
  })

  test('forgets earlier failures after a calm', async () => {
    const the = script({}, 0.999)
    listen(the)
    await the.pass()
    for (let n = 0; n < 5; n++) {
      the.socket.end()
      await wait(the)
    }
    await the.connect()
    await the.pass(60_000)
    the.socket.end()
    await the.pass(500)
    expect(the.sockets).toHaveLength(7)
  })

  test('that a server makes at once after each handshake is no calm', async () => {
    const the = script()
    listen(the)
    let delay = 0
    for (let n = 0; n < 9; n++) {
      await the.connect()
      the.socket.end(1011)
      delay = await wait(the)
    }
    expect(delay).toBe(15_000)
  })

  test('is noticed when the server falls silent', async () => {
    const the = script()
    listen(the)
    const socket = await the.connect()
    await the.pass(120_000)
    expect(socket.sentOf('ping')).toHaveLength(4)
    expect(the.sockets).toHaveLength(1)
    socket.isSilent = true
    await the.pass(16_000)
    expect(socket.isClosed).toBe(true)
    expect(the.sockets).toHaveLength(2)
  })

  test('any word of the server is a sign of life', async () => {
    const the = script()
    listen(the)
    const socket = await the.connect()
    socket.isSilent = true
    for (let n = 0; n < 20; n++) {
      await the.pass(9_000)
      socket.change(socket.lastId, [])
    }
    expect(the.sockets).toHaveLength(1)
  })

  test('a handshake that hangs is given up', async () => {
    const the = script()
    listen(the)
    await the.pass(16_000)
    expect(the.sockets).toHaveLength(2)
    expect(the.sockets[0]!.isClosed).toBe(true)
  })

  test('what the old socket still says is not heard', async () => {
    const the = script()
    const live = listen(the)
    const old = await the.connect()
    old.snapshot(old.lastId, [{ id: 'a' }])
    old.isSilent = true
    await the.pass(36_000)
    await the.connect()
    old.change(old.lastId, [{ kind: 'removed', document: { id: 'a' } }])
    old.end()
    expect(live.state).toMatchObject({ status: 'reconnecting', documents: [{ id: 'a' }] })
    expect(the.sockets).toHaveLength(2)
  })
})

test.each([
  ['online', 'online', () => globalThis],
  [
    'looked at again',
    'visibilitychange',
    () => (globalThis as unknown as { document: EventTarget }).document,
  ],
])('a page that is %s tries at once, and checks what is open', async (_, event, target) => {
  vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'visible' }))
  const page = new EventTarget()
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page))
  const on = (event === 'online' ? page : target()) as EventTarget
  const the = script({}, 0.999)
  const live = listen(the)
  await the.pass()
  for (let n = 0; n < 6; n++) {
    the.socket.end()
    if (n < 5) await wait(the)
  }
  const { length } = the.sockets
  on.dispatchEvent(new Event(event))
  await the.pass()
  expect(the.sockets).toHaveLength(length + 1)
  await the.connect()
  on.dispatchEvent(new Event(event))
  await the.pass()
  expect(the.socket.sentOf('ping')).toHaveLength(1)
  live.close()
  await the.pass(6_000)
  on.dispatchEvent(new Event(event))
  await the.pass()
  expect(the.sockets).toHaveLength(length + 1)
})

test('messages go no faster than the server takes them, in their order', async () => {
  const the = script()
  const lives = Array.from({ length: 100 }, (_, n) => listen(the, n + 1))
  const socket = await the.connect()
  expect(socket.sent.length).toBeLessThanOrEqual(100)
  for (let second = 1; second <= 4; second++) {
    const { length } = socket.sent
    await the.pass(1_000)
    expect(socket.sent.length - length).toBeLessThanOrEqual(50)
  }
  expect(socket.sent.map(({ limit }) => limit)).toEqual(lives.map((_, n) => n + 1))
})

test('a dropped message that nobody can name costs the connection, and nothing else', async () => {
  const the = script()
  const live = listen(the)
  const socket = await the.connect()
  socket.snapshot(socket.lastId, [{ id: 'a' }], 'c5')
  socket.refuse('rate_limited')
  await the.pass(8_000)
  await the.connect()
  expect(the.socket.sent).toMatchObject([{ type: 'subscribe', cursor: 'c5' }])
  expect(live.state.status).toBe('reconnecting')
})

test('what is no message, and what a later server may say, does no harm', async () => {
  const the = script()
  const live = listen(the)
  const socket = await the.connect()
  for (const data of [
    '',
    'null',
    '7',
    '[]',
    '{}',
    '{"type":7,"id":8}',
    new ArrayBuffer(3),
    '{"type":"new"}',
  ]) {
    socket.onmessage?.({ data })
  }
  socket.say({ type: 'new', id: socket.lastId })
  socket.snapshot(socket.lastId, [])
  expect(live.state.status).toBe('live')
})

describe('a handshake that fails because of the key', () => {
  test('is told, after one question over HTTP, and tried no more', async () => {
    const fetch = vi.fn(refused)
    const the = script({ fetch })
    const live = listen(the)
    await the.pass()
    the.socket.end()
    await the.pass(600_000)
    expect(fetch).toHaveBeenCalledTimes(1)
    expect(fetch.mock.calls[0]).toHaveProperty('0', 'https://basalt.example/v1/projects/demo/realtime')
    expect(the.client.realtime.state).toMatchObject({ status: 'refused', error: { code: 'unauthenticated' } })
    expect(live.state).toMatchObject({ status: 'failed', error: { code: 'unauthenticated', message: 'No.' } })
  })

  test('is tried again for something new, or when asked to', async () => {
    const the = script({ fetch: refused })
    const live = listen(the)
    await the.pass()
    the.socket.end()
    await the.pass(1_000)
    the.client.realtime.reconnect()
    await the.connect()
    expect(the.socket.sentOf('subscribe')).toHaveLength(1)
    expect(live.state.status).toBe('loading')
  })

  test('any other answer means that it may pass', async () => {
    const the = script({ fetch: () => Promise.resolve(new Response(null, { status: 426 })) })
    listen(the)
    await the.pass()
    the.socket.end()
    await the.pass(1_000)
    expect(the.sockets).toHaveLength(2)
    expect(the.client.realtime.state.status).toBe('connecting')
  })
})

test('a platform without WebSocket says so to whoever asks for something live', () => {
  vi.stubGlobal('WebSocket', undefined)
  const the = script({ webSocket: undefined as never })
  expect(() => listen(the)).toThrow('There is no WebSocket here')
})

test('a constructor that throws is a handshake that fails', async () => {
  let tries = 0
  const the = script({
    webSocket: class {
      constructor() {
        tries += 1
        throw new Error('the page forbids it')
      }
    } as never,
  })
  listen(the)
  await the.pass(5_000)
  expect(tries).toBeGreaterThan(2)
  expect(the.client.realtime.state.status).not.toBe('connected')
})
