import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type RealtimeClient } from '../support/realtime-client.ts'
import { startOn, startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { type SignedUp, signUp } from './sign-up.ts'

let server: TestServer
let project: TestProject
let other: TestProject
const clients: RealtimeClient[] = []

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  other = await server.createProject('Other')
  for (const each of [project, other]) await declare(each, "doc.public == true || 'editor' in auth.roles")
})

afterAll(async () => {
  for (const client of clients) await client.close()
  await server.stop()
})

async function declare(each: TestProject, list: string): Promise<void> {
  await each.defineCollection('posts', {
    rules: { list, read: list },
    fields: { draft: { read: "'editor' in auth.roles" } },
  })
}

let count = 0

async function user(each: TestProject = project): Promise<SignedUp> {
  return signUp(each, `user${++count}@example.com`)
}

async function follow(room: string, as?: string): Promise<RealtimeClient> {
  const client = await connect(server, project)
  clients.push(client)
  await client.next('ready')
  if (as !== undefined) client.send({ type: 'auth', token: as })
  client.send({ type: 'subscribe', id: 's', collection: 'posts', where: { room } })
  return client
}

const documents = '/collections/posts/documents'

function create(id: string, data: object): Promise<unknown> {
  return project.call('PUT', `${documents}/${id}`, { body: data })
}

describe('an open stream', () => {
  test('gains and loses documents and fields with a role, without being asked', async () => {
    const ada = await user()
    await create('roles1', { room: 'roles', public: false, draft: 'x' })
    await create('roles2', { room: 'roles', public: true, draft: 'y' })
    const client = await follow('roles', ada.token)
    const { documents: first } = await client.next('snapshot', 's')
    expect(first.map(({ id, draft }: { id: string; draft?: string }) => [id, draft])).toEqual([
      ['roles2', undefined],
    ])

    await project.call('PATCH', `/users/${ada.uid}`, { body: { roles: ['editor'] } })
    const gained = await client.next('change', 's')
    expect(gained.changes).toEqual([
      { kind: 'added', index: 0, document: expect.objectContaining({ id: 'roles1', draft: 'x' }) },
      { kind: 'changed', index: 1, document: expect.objectContaining({ id: 'roles2', draft: 'y' }) },
    ])

    await project.call('PATCH', `/users/${ada.uid}`, { body: { roles: [] } })
    const lost = await client.next('change', 's')
    expect(lost.changes[0]).toEqual({ kind: 'removed', document: { id: 'roles1' } })
    expect(JSON.stringify(lost)).not.toMatch(/"draft"/)
    expect(lost.changes[1].document).toMatchObject({ id: 'roles2' })
  })

  test('ends within a second when the user is suspended, signs out everywhere, or is deleted', async () => {
    const ways: ((user: SignedUp) => Promise<unknown>)[] = [
      ({ uid }) => project.call('PATCH', `/users/${uid}`, { body: { suspended: true } }),
      ({ token }) => project.call('POST', '/auth/sign-out', { as: token, body: { scope: 'all' } }),
      ({ uid }) => project.call('DELETE', `/users/${uid}`),
    ]
    for (const end of ways) {
      const one = await user()
      const client = await follow('ends', one.token)
      await client.next('snapshot', 's')
      const answer = (await end(one)) as { status: number; body: unknown }
      expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
      const before = Date.now()
      expect(await client.closed).toBe(4401)
      // Half a second of grace for a busy machine.
      expect(Date.now() - before).toBeLessThan(1_500)
      expect(client.messages.at(-1)).toMatchObject({ type: 'error', code: 'unauthenticated' })
    }
  })

  test('follows the rules when they are declared anew', async () => {
    await create('rules1', { room: 'rules', public: true })
    const client = await follow('rules')
    await client.next('snapshot', 's')
    await declare(project, "doc.room == 'nowhere'")
    expect((await client.next('change', 's')).changes).toEqual([
      { kind: 'removed', document: { id: 'rules1' } },
    ])
    await create('rules2', { room: 'rules', public: true })
    await sleep(200)
    expect(client.messages).toEqual([])
    await declare(project, "doc.public == true || 'editor' in auth.roles")
    expect((await client.next('change', 's')).changes).toEqual([
      { kind: 'added', index: 0, document: expect.objectContaining({ id: 'rules1' }) },
      { kind: 'added', index: 1, document: expect.objectContaining({ id: 'rules2' }) },
    ])
  })

  test('is over, and everything taken away, when the rules let its reader list nothing any more', async () => {
    await create('over1', { room: 'over', public: true })
    const client = await follow('over')
    await client.next('snapshot', 's')
    await project.defineCollection('posts', { rules: { list: 'auth != null' } })
    expect((await client.next('change', 's')).changes).toEqual([
      { kind: 'removed', document: { id: 'over1' } },
    ])
    expect(await client.next('error', 's')).toMatchObject({ code: 'forbidden' })
    await declare(project, "doc.public == true || 'editor' in auth.roles")
    client.send({ type: 'subscribe', id: 's', collection: 'posts', where: { room: 'over' } })
    expect((await client.next('snapshot', 's')).documents).toHaveLength(1)
  })

  test('ends when its key is revoked', async () => {
    const { body: key } = await project.call('POST', '/keys', {
      as: server.operator,
      body: { name: 'short', kind: 'secret', scopes: ['documents:read'] },
    })
    const client = await connect(server, project, { as: key.key })
    client.send({ type: 'subscribe', id: 's', collection: 'posts' })
    await client.next('snapshot', 's')
    await project.call('DELETE', `/keys/${key.id}`, { as: server.operator })
    expect(await client.closed).toBe(4401)
  })

  test('ends when its key has expired', async () => {
    const expiresAt = Date.now() + 2_000
    const { body: key } = await project.call('POST', '/keys', {
      as: server.operator,
      body: {
        name: 'brief',
        kind: 'secret',
        scopes: ['documents:read'],
        expiresAt: new Date(expiresAt).toISOString(),
      },
    })
    const client = await connect(server, project, { as: key.key })
    client.send({ type: 'subscribe', id: 's', collection: 'posts' })
    await client.next('snapshot', 's')
    expect(await client.closed).toBe(4401)
    // Half a second of grace for a busy machine.
    expect(Date.now() - expiresAt).toBeLessThan(1_500)
    expect(Date.now() - expiresAt).toBeGreaterThanOrEqual(0)
  })

  test('of which others have the same credentials changes and ends for all of them', async () => {
    const ada = await user()
    await create('same1', { room: 'same', public: false })
    const [one, two] = [await follow('same', ada.token), await follow('same', ada.token)]
    for (const client of [one, two]) await client.next('snapshot', 's')
    const gone = await follow('same', ada.token)
    await gone.next('snapshot', 's')
    await gone.close()
    await project.call('PATCH', `/users/${ada.uid}`, { body: { roles: ['editor'] } })
    for (const client of [one, two]) expect((await client.next('change', 's')).changes).toHaveLength(1)
    // One who says that it is somebody else now hears nothing more of what the others do.
    one.send({ type: 'auth', token: null })
    expect((await one.next('change', 's')).changes).toEqual([{ kind: 'removed', document: { id: 'same1' } }])
    await project.call('PATCH', `/users/${ada.uid}`, { body: { suspended: true } })
    expect(await two.closed).toBe(4401)
    one.send({ type: 'ping' })
    await one.next('pong')
  })

  test('ends when the collection is deleted, and when the project is', async () => {
    await other.defineCollection('gone', { rules: { list: 'true' } })
    const client = await connect(server, other)
    client.send({ type: 'subscribe', id: 's', collection: 'gone' })
    await client.next('snapshot', 's')
    await other.call('DELETE', '/collections/gone')
    expect(await client.next('error', 's')).toMatchObject({ code: 'not_found' })
    await other.call('DELETE', '', { as: server.operator })
    expect(await client.closed).toBe(4401)
  })
})

describe('an open stream on another node than the one that changes something', () => {
  let there: TestServer

  beforeAll(async () => {
    there = await startOn(server.services.config.databaseUrl ?? '')
  })

  afterAll(() => there.stop())

  test('follows roles and rules, and ends with the user', async () => {
    const ada = await user()
    await create('there1', { room: 'there', public: false })
    const client = await connect(there, project)
    client.send({ type: 'auth', token: ada.token })
    client.send({ type: 'subscribe', id: 's', collection: 'posts', where: { room: 'there' } })
    expect((await client.next('snapshot', 's')).documents).toEqual([])
    await project.call('PATCH', `/users/${ada.uid}`, { body: { roles: ['editor'] } })
    expect((await client.next('change', 's')).changes).toMatchObject([
      { kind: 'added', document: { id: 'there1' } },
    ])
    await declare(project, 'doc.public == true')
    expect((await client.next('change', 's')).changes).toEqual([
      { kind: 'removed', document: { id: 'there1' } },
    ])
    await declare(project, "doc.public == true || 'editor' in auth.roles")
    await client.next('change', 's')

    const channel = '/channels/rules/there'
    await project.call('PUT', channel, { body: { rules: { join: "'editor' in auth.roles" } } })
    client.send({ type: 'join', id: 'c', channel: 'there' })
    await client.next('presence', 'c')
    await project.call('PUT', channel, { body: { rules: { join: "'admin' in auth.roles" } } })
    expect(await client.next('error', 'c')).toMatchObject({ code: 'forbidden' })

    await project.call('PATCH', `/users/${ada.uid}`, { body: { suspended: true } })
    const before = Date.now()
    expect(await client.closed).toBe(4401)
    expect(Date.now() - before).toBeLessThan(1_500)
  })
})

describe('who one is', () => {
  test('may be said by a message, and decides what comes after it', async () => {
    await create('who1', { room: 'who', public: true })
    const ada = await user()
    const client = await connect(server, project, { key: '' })
    client.send({ type: 'subscribe', id: 'early', collection: 'posts' })
    expect(await client.next('error', 'early')).toMatchObject({ code: 'unauthenticated' })
    client.send({ type: 'auth', token: ada.token })
    client.send({ type: 'subscribe', id: 's', collection: 'posts', where: { room: 'who' } })
    await client.next('ready')
    expect((await client.next('snapshot', 's')).documents).toHaveLength(1)
    // A new token of the same user changes nothing.
    const { body: fresh } = await project.call('POST', '/auth/token', {
      as: project.publishable,
      body: { refreshToken: ada.refreshToken },
    })
    client.send({ type: 'auth', token: fresh.accessToken })
    await client.next('ready')
    await create('who2', { room: 'who', public: true })
    expect((await client.next('change', 's')).changes).toHaveLength(1)
    await client.close()
  })

  test('is refused with a bad token, one of another project, and a key in the address that is secret', async () => {
    const before = await server.createProject('Before')
    const stranger = await signUp(before, 'stranger@example.com')
    for (const token of ['nonsense', stranger.token, before.secret, `${project.secret}x`]) {
      const client = await connect(server, project)
      client.send({ type: 'auth', token })
      expect(await client.next('error')).toMatchObject({ code: 'unauthenticated' })
      expect(await client.closed).toBe(4401)
    }
    const refused = [
      { key: 'pk_wrong' },
      { key: project.secret },
      { as: stranger.token },
      { key: before.publishable },
    ]
    for (const options of refused)
      await expect(connect(server, project, options)).rejects.toMatchObject({ status: 401 })
  })

  test("a key's scopes are asked at each message", async () => {
    const { body: key } = await project.call('POST', '/keys', {
      as: server.operator,
      body: { name: 'writer', kind: 'secret', scopes: ['documents:write'] },
    })
    const client = await connect(server, project, { as: key.key })
    client.send({ type: 'subscribe', id: 's', collection: 'posts' })
    expect(await client.next('error', 's')).toMatchObject({ code: 'forbidden' })
    client.send({ type: 'join', id: 'c', channel: 'any' })
    expect(await client.next('error', 'c')).toMatchObject({ code: 'forbidden' })
    await client.close()
  })

  test('a page of an origin that the project does not name may not open a socket', async () => {
    const strict = await server.createProject('Strict')
    const settings = { cors: { origins: ['https://app.example'] } }
    await strict.call('PATCH', '', { as: server.operator, body: { settings } })
    const from = (origin: string) => connect(server, strict, { headers: { origin } })
    await expect(from('https://evil.example')).rejects.toMatchObject({ status: 403 })
    await (await from('https://app.example')).close()
  })
})

describe('one document', () => {
  test('is followed under the read rule, from before it is there until it is gone', async () => {
    await project.defineCollection('secrets', { rules: { read: 'doc.open == true' } })
    const client = await connect(server, project)
    client.send({ type: 'subscribe', id: 'd', collection: 'secrets', document: 'one' })
    expect((await client.next('snapshot', 'd')).documents).toEqual([])
    const path = '/collections/secrets/documents/one'
    await project.call('PUT', path, { body: { open: false } })
    await project.call('PUT', path, { body: { open: true } })
    expect((await client.next('change', 'd')).changes).toMatchObject([
      { kind: 'added', document: { id: 'one' } },
    ])
    await project.call('PUT', path, { body: { open: false } })
    expect((await client.next('change', 'd')).changes).toMatchObject([
      { kind: 'removed', document: { id: 'one' } },
    ])
    client.send({ type: 'subscribe', id: 'l', collection: 'secrets' })
    expect(await client.next('error', 'l')).toMatchObject({ code: 'forbidden' })
    await client.close()
  })
})

describe('a rule that looks elsewhere', () => {
  test('at the clock: a document appears when its time has come', async () => {
    await project.defineCollection('timed', { rules: { list: 'doc.publishAt <= request.time' } })
    const publishAt = new Date(Date.now() + 2_000).toISOString()
    await project.call('PUT', '/collections/timed/documents/soon', { body: { publishAt } })
    const client = await connect(server, project)
    client.send({ type: 'subscribe', id: 't', collection: 'timed' })
    expect((await client.next('snapshot', 't')).documents).toEqual([])
    expect((await client.next('change', 't')).changes).toMatchObject([
      { kind: 'added', document: { id: 'soon' } },
    ])
    await client.close()
  }, 30_000)

  test('at users: the collection of users itself can be followed', async () => {
    await project.defineCollection('users', { rules: { list: 'true' } })
    const ada = await user()
    const client = await connect(server, project)
    client.send({
      type: 'subscribe',
      id: 'u',
      collection: 'users',
      where: { id: ada.uid },
      fields: ['profile'],
    })
    await client.next('snapshot', 'u')
    await project.call('PATCH', '/auth/me', { as: ada.token, body: { profile: { name: 'Ada' } } })
    const { changes } = await client.next('change', 'u')
    expect(JSON.stringify(changes)).toContain('Ada')
    await client.close()
  }, 30_000)
})
