import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../faults/random.ts'
import { connect, type RealtimeClient } from '../support/realtime-client.ts'
import { startOn, startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer({ BASALT_LIMIT_SOCKET_BUFFER_BYTES: String(256 * 1024) })
  project = await server.createProject()
  await project.defineCollection('posts', { rules: { list: 'true' } })
  await project.call('PUT', '/channels/rules/open', { body: { rules: { join: 'true', broadcast: 'true' } } })
})

afterAll(() => server.stop())

async function withClient(work: (client: RealtimeClient) => Promise<void>): Promise<void> {
  const client = await connect(server, project)
  await client.next('ready')
  try {
    await work(client)
  } finally {
    await client.close()
  }
}

describe('a message that is wrong', () => {
  const faults: [message: object, id: string | undefined, path: string][] = [
    [{ type: 'nonsense', id: 'a' }, 'a', 'type'],
    [{ id: 'a' }, 'a', 'type'],
    [{ type: 'subscribe', collection: 'posts' }, undefined, 'id'],
    [{ type: 'subscribe', id: '', collection: 'posts' }, '', 'id'],
    [{ type: 'subscribe', id: 'x'.repeat(65), collection: 'posts' }, undefined, 'id'],
    [{ type: 'subscribe', id: 7, collection: 'posts' }, undefined, 'id'],
    [{ type: 'subscribe', id: 'a', collection: { name: 'posts' } }, 'a', 'collection'],
    [{ type: 'subscribe', id: 'a', collection: 'posts', extra: 1 }, 'a', 'extra'],
    [{ type: 'subscribe', id: 'a', collection: 'posts', where: [] }, 'a', 'where'],
    [
      { type: 'subscribe', id: 'a', collection: 'posts', where: { n: { $regex: 'x' } } },
      'a',
      'where.n.$regex',
    ],
    [{ type: 'subscribe', id: 'a', collection: 'posts', sort: '__proto__' }, 'a', 'sort'],
    [{ type: 'subscribe', id: 'a', collection: 'posts', limit: 0 }, 'a', 'limit'],
    [{ type: 'subscribe', id: 'a', collection: 'posts', limit: 501 }, 'a', 'limit'],
    [{ type: 'subscribe', id: 'a', collection: 'posts', limit: '5' }, 'a', 'limit'],
    [{ type: 'subscribe', id: 'a', collection: 'posts', cursor: 5 }, 'a', 'cursor'],
    [{ type: 'subscribe', id: 'a', collection: 'posts', document: 'a b' }, 'a', 'id'],
    [{ type: 'subscribe', id: 'a', collection: 'posts', document: 'x', where: {} }, 'a', 'where'],
    [
      { type: 'subscribe', id: 'a', collection: 'posts', where: { constructor: 1 } },
      'a',
      'where.constructor',
    ],
    [{ type: 'unsubscribe' }, undefined, 'id'],
    [{ type: 'join', id: 'a', channel: 'a'.repeat(201) }, 'a', 'channel'],
    [{ type: 'join', id: 'a', channel: 'open', presence: [] }, 'a', 'presence'],
    [{ type: 'presence', id: 'unknown', presence: {} }, 'unknown', 'id'],
    [{ type: 'broadcast', id: 'a', channel: 'open', event: '' }, 'a', 'event'],
    [{ type: 'auth', token: 7 }, undefined, 'token'],
    [{ type: 'auth' }, undefined, 'token'],
    [{ type: 'ping', more: true }, undefined, 'more'],
  ]

  test.each(faults)(
    '%j is told with its id and its place, and the socket stays open',
    async (message, id, path) => {
      await withClient(async (client) => {
        client.send(message)
        const error = await client.next('error')
        expect(error).toMatchObject({ code: 'invalid_request', detail: expect.any(String) })
        expect(error.id).toBe(id)
        expect(error.errors.map((issue: { path: string }) => issue.path)).toContain(path)
        client.send({ type: 'ping' })
        await client.next('pong')
      })
    },
  )

  test('an unknown collection is one that does not exist', async () => {
    await withClient(async (client) => {
      for (const collection of ['nothing', '_changes', 'POSTS', 'p.posts', '']) {
        client.send({ type: 'subscribe', id: 'a', collection })
        expect(await client.next('error', 'a')).toMatchObject({ code: 'not_found' })
      }
    })
  })

  test('an id that is in use is refused, and what uses it goes on', async () => {
    await withClient(async (client) => {
      client.send({ type: 'subscribe', id: 'a', collection: 'posts', where: { room: 'twice' } })
      await client.next('snapshot', 'a')
      client.send({ type: 'subscribe', id: 'a', collection: 'posts' })
      expect(await client.next('error', 'a')).toMatchObject({
        errors: [{ path: 'id', code: 'already_exists' }],
      })
      await project.call('POST', '/collections/posts/documents', { body: { room: 'twice' } })
      await client.next('change', 'a')
    })
  })

  test('three in a row that can not be read close the socket, two do not', async () => {
    const client = await connect(server, project)
    for (const unreadable of ['{', '[]', '{}', 'null', '"x"']) client.send(unreadable)
    // `{}` was an object, so the counting began again behind it.
    await sleep(100)
    expect(client.socket.readyState).toBe(1)
    client.socket.send(Buffer.from([0, 1, 2]))
    expect(await client.closed).toBe(4400)
  })

  test('one over the size closes the socket with 1009, one of just the size does not', async () => {
    const limit = 64 * 1024
    const ping = (size: number) => JSON.stringify({ type: 'ping' }).padEnd(size)
    await withClient(async (client) => {
      client.send(ping(limit - 1))
      await client.next('pong')
      client.send(ping(limit))
      await client.next('pong')
      client.send(ping(limit + 1))
      expect(await client.closed).toBe(1009)
    })
  })
})

describe('limits', () => {
  test('a socket has at most 100 subscriptions and channels together', async () => {
    await withClient(async (client) => {
      const subscribe = (n: number) =>
        client.send({ type: 'subscribe', id: `s${n}`, collection: 'posts', limit: 1 })
      for (let n = 1; n <= 99; n++) subscribe(n)
      client.send({ type: 'join', id: 'c', channel: 'open' })
      await client.next('presence', 'c')
      subscribe(100)
      expect(await client.next('error', 's100')).toMatchObject({ code: 'quota_exceeded' })
      client.send({ type: 'unsubscribe', id: 's1' })
      subscribe(101)
      await client.next('snapshot', 's101')
    })
  })

  test('messages beyond the burst are dropped and told, and those that come later are heard', async () => {
    const limited = await startTestServer({ BASALT_RATE_LIMITS: 'on', BASALT_LIMIT_SOCKET_MESSAGES: '5' })
    const its = await limited.createProject()
    const client = await connect(limited, its)
    for (let n = 0; n < 10; n++) client.send({ type: 'ping' })
    for (let n = 0; n < 10; n++) await client.next('pong')
    expect(client.messages.filter(({ type }) => type === 'error')).toEqual([])
    for (let n = 0; n < 12; n++) client.send({ type: 'ping' })
    expect(await client.next('error')).toMatchObject({ code: 'rate_limited' })
    await sleep(500)
    client.messages.splice(0)
    client.send({ type: 'ping' })
    await client.next('pong')
    await client.close()
    await limited.stop()
  })

  test('a node holds only so many sockets', async () => {
    const small = await startTestServer({ BASALT_LIMIT_SOCKETS: '2' })
    const its = await small.createProject()
    const first = await connect(small, its)
    const second = await connect(small, its)
    await expect(connect(small, its)).rejects.toMatchObject({ status: 503 })
    await first.close()
    await expect
      .poll(() =>
        connect(small, its).then(
          (client) => client.close(),
          () => 'full',
        ),
      )
      .toBeUndefined()
    await second.close()
    await small.stop()
  })

  test('an address holds only so many of them', async () => {
    const strict = await startTestServer({ BASALT_RATE_LIMITS: 'on', BASALT_LIMIT_SOCKETS_BY_ADDRESS: '2' })
    const its = await strict.createProject()
    const both = [await connect(strict, its), await connect(strict, its)]
    await expect(connect(strict, its)).rejects.toMatchObject({ status: 429 })
    for (const client of both) await client.close()
    await strict.stop()
  })

  describe('of patience', () => {
    let impatient: TestServer
    let its: TestProject

    beforeAll(async () => {
      impatient = await startTestServer({
        BASALT_LIMIT_SOCKET_AUTH_MS: '1000',
        BASALT_LIMIT_SOCKET_PING_MS: '1500',
        BASALT_LIMIT_SOCKET_IDLE_MS: '4000',
      })
      its = await impatient.createProject()
      await its.defineCollection('posts', { rules: { list: 'true' } })
      await its.call('PUT', '/channels/rules/open', { body: { rules: { join: 'true' } } })
    })

    afterAll(() => impatient.stop())

    test('a socket that does not say who it is is closed', async () => {
      const client = await connect(impatient, its, { key: '' })
      expect(await client.closed).toBe(4401)
      expect(client.messages).toEqual([])
    })

    test('one that follows nothing is closed, those that follow something or talk are not', async () => {
      const idle = await connect(impatient, its)
      const follower = await connect(impatient, its)
      follower.send({ type: 'subscribe', id: 's', collection: 'posts' })
      const member = await connect(impatient, its)
      member.send({ type: 'join', id: 'c', channel: 'open' })
      const talker = await connect(impatient, its)
      const talking = setInterval(() => talker.send({ type: 'ping' }), 500)
      expect(await idle.closed).toBe(1000)
      await sleep(2_000)
      for (const open of [follower, member, talker]) expect(open.socket.readyState).toBe(1)
      clearInterval(talking)
      expect(await talker.closed).toBe(1000)
      follower.send({ type: 'unsubscribe', id: 's' })
      expect(await follower.closed).toBe(1000)
      await member.close()
    }, 30_000)

    test('one that does not answer pings is cut, one that answers is not', async () => {
      const [quiet, lively] = [await openRaw(impatient, its), await connect(impatient, its)]
      quiet.socket.write(maskedFrame(1, '{"type":"subscribe","id":"s","collection":"posts"}'))
      lively.send({ type: 'subscribe', id: 's', collection: 'posts' })
      await lively.next('snapshot', 's')
      let pings = 0
      lively.socket.on('ping', () => pings++)
      // It reads all that comes, and says nothing: it is not closed but cut, since nobody is there.
      await quiet.closed
      expect(quiet.received()).toContain('"snapshot"')
      expect(quiet.received().at(-2)?.charCodeAt(0)).toBe(0x89)
      await expect.poll(() => pings, { timeout: 10_000 }).toBeGreaterThanOrEqual(3)
      expect(lively.socket.readyState).toBe(1)
      await lively.close()
    }, 30_000)
  })

  test('a request that is no upgrade is told so', async () => {
    const { status, headers } = await project.call('GET', '/realtime')
    expect(status).toBe(426)
    expect(headers.get('upgrade')).toBe('websocket')
  })
})

describe('a reader that does not read', () => {
  test('is told to begin anew when it reads again, and harms nobody', async () => {
    await withClient(async (quick) => {
      const slow = await connect(server, project)
      const subscribe = {
        type: 'subscribe',
        id: 's',
        collection: 'posts',
        where: { room: 'slow' },
        sort: '-id',
      }
      for (const each of [quick, slow]) {
        each.send(subscribe)
        await each.next('snapshot', 's')
      }
      slow.socket.pause()
      const text = 'x'.repeat(100_000)
      // Beyond what the kernel and the server keep for it.
      for (let n = 0; n < 120; n++) {
        const { status } = await project.call('POST', '/collections/posts/documents', {
          body: { room: 'slow', text },
        })
        expect(status).toBe(201)
        await quick.next('change', 's')
      }
      slow.socket.resume()
      await slow.next('resync', 's')
      slow.send(subscribe)
      const { documents } = await slow.next('snapshot', 's')
      expect(documents).toHaveLength(50)
      await slow.close()
    })
  }, 60_000)
})

describe('a cursor', () => {
  test('that the log does not reach back to is answered by resync; so are forged ones', async () => {
    await withClient(async (client) => {
      const subscribe = { type: 'subscribe', collection: 'posts', where: { room: 'old' } }
      client.send({ ...subscribe, id: 'a' })
      const { cursor } = await client.next('snapshot', 'a')
      const fingerprint = cursor.split('.')[1]
      for (const bad of [
        '',
        'x',
        '5',
        `99999999.${fingerprint}`,
        `-1.${fingerprint}`,
        `1e3.${fingerprint}`,
      ]) {
        client.send({ ...subscribe, id: 'b', cursor: bad })
        await client.next('resync', 'b')
      }
      await project.call('POST', '/collections/posts/documents', { body: { room: 'old' } })
      const { ref } = project
      await server.services.db.query(`UPDATE p_${ref}._head SET trimmed = seq`)
      await server.services.db.query(`DELETE FROM p_${ref}._changes`)
      // What this node remembers still serves; another one has to ask the log.
      const fresh = await startOn(server.services.config.databaseUrl ?? '')
      const elsewhere = await connect(fresh, project)
      elsewhere.send({ ...subscribe, id: 'c', cursor })
      await elsewhere.next('resync', 'c')
      await elsewhere.close()
      await fresh.stop()
    })
  })
})

describe('frames', () => {
  test('of any bytes crash nothing and hold nothing', async () => {
    const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000)
    const random = seededRandom(seed)
    const below = (limit: number) => Math.floor(random() * limit)
    for (let round = 0; round < 150; round++) {
      const { socket, closed } = await openRaw()
      for (let n = 0; n < 1 + below(5); n++) socket.write(randomFrame(below))
      await Promise.race([closed, sleep(20)])
      socket.destroy()
    }
    await withClient(async (client) => {
      client.send({ type: 'ping' })
      await client.next('pong')
    })
    await expect.poll(openSockets, { message: `seed ${seed}` }).toBeLessThan(20)
  }, 60_000)
})

async function openSockets(): Promise<number> {
  return new Promise((resolve, reject) =>
    server.app.server.server.getConnections((error, count) =>
      error === null ? resolve(count) : reject(error),
    ),
  )
}

interface RawClient {
  socket: ReturnType<typeof connectSocket>
  closed: Promise<unknown>
  /** All bytes that came after the upgrade. */
  received(): string
}

async function openRaw(to: TestServer = server, its: TestProject = project): Promise<RawClient> {
  const { hostname, port } = new URL(to.url)
  const socket = connectSocket(Number(port), hostname)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(
    `GET /v1/projects/${its.ref}/realtime?key=${its.publishable} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n` +
      `upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  )
  await new Promise((resolve) => socket.once('data', resolve))
  let received = ''
  socket.on('data', (data) => (received += data.toString('latin1')))
  return { socket, closed, received: () => received }
}

/** RFC 6455, section 5.2, with a mask of zeros. */
function maskedFrame(opcode: number, payload: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]),
    Buffer.from(payload),
  ])
}

/** A frame with a header that may lie, or no frame at all. */
function randomFrame(below: (limit: number) => number): Buffer {
  const payload = [
    randomBytes(below(300)),
    Buffer.from('{"type":"subscribe","id":"a","collection":"posts"}'),
    Buffer.from('{"type":"subscribe","id":"a","collection":"posts","where":{"__proto__":{"a":1}}}'),
    Buffer.from('[['.repeat(below(2000))),
    Buffer.from([0xc3, 0x28]),
  ][below(5)]!
  if (below(4) === 0) return randomBytes(below(64))
  const opcode = below(16) | (below(2) << 7) | (below(8) === 0 ? 0x40 : 0)
  const mask = randomBytes(4)
  const isMasked = below(8) !== 0
  const length = below(6) === 0 ? below(126) : payload.length
  const header =
    length < 126
      ? Buffer.from([opcode, length | (isMasked ? 0x80 : 0)])
      : Buffer.from([opcode, 126 | (isMasked ? 0x80 : 0), length >> 8, length & 0xff])
  const masked = payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))
  return Buffer.concat([header, ...(isMasked ? [mask, masked] : [payload])])
}
