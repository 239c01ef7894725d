import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deploy } from '../support/deploy.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { connect, type Message, type RealtimeClient } from '../support/realtime-client.ts'
import { startOn, type TestProject, type TestServer } from '../support/server.ts'
import { type SignedUp, signUp } from './sign-up.ts'

let database: TestDatabase
let here: TestServer
let there: TestServer
let project: TestProject
let ada: SignedUp
let bob: SignedUp
const clients: RealtimeClient[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  here = await startOn(database.url)
  there = await startOn(database.url)
  project = await here.createProject()
  ada = await signUp(project, 'ada@example.com')
  bob = await signUp(project, 'bob@example.com')
  await project.defineCollection('members')
  await rules('open:*', { join: 'true', broadcast: 'true', presence: 'true' })
  await rules('room:*', {
    join: "exists('members', {'room': channel.segments[1], 'user': auth.uid})",
    broadcast: "auth != null && message.event != 'admin' && message.size <= 20",
  })
  await rules('room:lobby', { join: 'true' })
})

afterAll(async () => {
  for (const client of clients) await client.close()
  await there.stop()
  await here.stop()
  await database.drop()
})

async function rules(pattern: string, sources: object): Promise<void> {
  const { status, body } = await project.call('PUT', `/channels/rules/${pattern}`, {
    body: { rules: sources },
  })
  if (status !== 200) throw new Error(JSON.stringify(body))
}

async function client(node: TestServer = here, user?: SignedUp): Promise<RealtimeClient> {
  const made = await connect(node, project)
  clients.push(made)
  await made.next('ready')
  if (user === undefined) return made
  made.send({ type: 'auth', token: user.token })
  await made.next('ready')
  return made
}

async function join(one: RealtimeClient, channel: string, presence?: object): Promise<Message> {
  one.send({ type: 'join', id: channel, channel, ...(presence && { presence }) })
  return one.next('presence', channel)
}

/** What comes under the id once everything that was sent before has been handled. */
async function silence(one: RealtimeClient, id: string): Promise<Message[]> {
  await sleep(300)
  return one.messages.filter((message) => message.id === id)
}

describe('a broadcast', () => {
  test('reaches everybody else in the channel, on every node, and says who sent it', async () => {
    const [sender, neighbour, remote] = [await client(here, ada), await client(here), await client(there)]
    for (const each of [sender, neighbour, remote]) await join(each, 'open:1')
    sender.send({ type: 'broadcast', channel: 'open:1', event: 'moved', payload: { x: 1 } })
    const heard = { id: 'open:1', channel: 'open:1', event: 'moved', payload: { x: 1 }, uid: ada.uid }
    expect(await neighbour.next('broadcast')).toEqual({ type: 'broadcast', ...heard })
    expect(await remote.next('broadcast')).toEqual({ type: 'broadcast', ...heard })
    expect(await silence(sender, 'open:1')).toEqual([])
  })

  test('comes in the order in which it was sent', async () => {
    const [sender, remote] = [await client(here), await client(there)]
    for (const each of [sender, remote]) await join(each, 'open:order')
    for (let n = 0; n < 50; n++)
      sender.send({ type: 'broadcast', channel: 'open:order', event: 'n', payload: n })
    for (let n = 0; n < 50; n++) expect((await remote.next('broadcast')).payload).toBe(n)
  })

  test('of a server reaches all, under a scope of its own', async () => {
    const one = await client(there)
    await join(one, 'open:server')
    const body = { event: 'news', payload: [1] }
    const sent = await project.call('POST', '/channels/open:server/broadcast', { body })
    expect(sent.status).toBe(202)
    expect(await one.next('broadcast')).toMatchObject({ event: 'news', payload: [1], uid: null })
    const { body: key } = await project.call('POST', '/keys', {
      as: here.operator,
      body: { name: 'reader', kind: 'secret', scopes: ['channels:read', 'documents:write'] },
    })
    const refused = await project.call('POST', '/channels/open:server/broadcast', { as: key.key, body })
    expect(refused.status).toBe(403)
  })

  test('of a function reaches all, if its scopes let it', async () => {
    await deploy(project, {
      shout: `export default callable({ access: 'public', async handler({ text }, { basalt }) {
        await basalt.broadcast('open:functions', 'shout', { text })
        return {}
      } })`,
      whisper: `export default callable({ access: 'public', scopes: ['documents:read'], async handler(_, { basalt }) {
        return basalt.broadcast('open:functions', 'whisper', {}).then(() => 'heard', ({ code }) => code)
      } })`,
    })
    const one = await client(there)
    await join(one, 'open:functions')
    const call = (name: string, input: object) =>
      project.call('POST', `/functions/${name}`, { as: project.publishable, body: { input } })
    expect((await call('whisper', {})).body.output).toBe('forbidden')
    expect((await call('shout', { text: 'hello' })).status).toBe(200)
    expect(await one.next('broadcast')).toMatchObject({
      event: 'shout',
      payload: { text: 'hello' },
      uid: null,
    })
  }, 60_000)

  test('that the rules refuse goes nowhere: by actor, event and size', async () => {
    const [anonymous, user, listener] = [await client(), await client(here, ada), await client()]
    await join(listener, 'room:lobby')
    await project.call('PUT', '/collections/members/documents/m9', { body: { room: '9', user: bob.uid } })
    const inside = await client(here, bob)
    await join(inside, 'room:9')
    const say = (one: RealtimeClient, channel: string, event: string, payload: unknown) =>
      one.send({ type: 'broadcast', id: 'said', channel, event, payload })
    say(anonymous, 'room:9', 'hi', null)
    expect(await anonymous.next('error', 'said')).toMatchObject({ code: 'forbidden' })
    say(user, 'room:9', 'admin', null)
    expect(await user.next('error', 'said')).toMatchObject({ code: 'forbidden' })
    say(user, 'room:9', 'hi', 'x'.repeat(19))
    expect(await user.next('error', 'said')).toMatchObject({ code: 'forbidden' })
    // The more specific pattern has no rule for this.
    say(user, 'room:lobby', 'hi', null)
    expect(await user.next('error', 'said')).toMatchObject({ code: 'forbidden' })
    say(user, 'room:9', 'hi', 'x'.repeat(18))
    expect(await inside.next('broadcast')).toMatchObject({ event: 'hi' })
    expect(await silence(listener, 'room:lobby')).toEqual([])
    expect(await silence(inside, 'room:9')).toEqual([])
  })
})

describe('joining', () => {
  test('needs a rule: no pattern, no channel', async () => {
    const one = await client()
    one.send({ type: 'join', id: 'x', channel: 'unknown' })
    expect(await one.next('error', 'x')).toMatchObject({ code: 'forbidden' })
    one.send({ type: 'join', id: 'y', channel: 'room:9' })
    expect(await one.next('error', 'y')).toMatchObject({ code: 'forbidden' })
    one.send({ type: 'join', id: 'z', channel: 'no spaces' })
    expect(await one.next('error', 'z')).toMatchObject({
      code: 'invalid_request',
      errors: [{ path: 'channel', code: 'invalid_name' }],
    })
  })

  test('ends when the document that the rule looks at is gone', async () => {
    await project.call('PUT', '/collections/members/documents/m1', { body: { room: '1', user: bob.uid } })
    const one = await client(here, bob)
    await join(one, 'room:1')
    await project.call('DELETE', '/collections/members/documents/m1')
    expect(await one.next('error', 'room:1')).toMatchObject({ code: 'forbidden' })
    await project.call('POST', '/channels/room:1/broadcast', { body: { event: 'secret' } })
    expect(await silence(one, 'room:1')).toEqual([])
  })

  test('ends when the rules are changed, and when the user signs out', async () => {
    await rules('temporary', { join: 'auth != null' })
    const one = await client(here, bob)
    await join(one, 'temporary')
    one.send({ type: 'auth', token: null })
    await one.next('ready')
    expect(await one.next('error', 'temporary')).toMatchObject({ code: 'forbidden' })
    one.send({ type: 'auth', token: bob.token })
    await one.next('ready')
    await join(one, 'temporary')
    await rules('temporary', { join: 'auth == null' })
    expect(await one.next('error', 'temporary')).toMatchObject({ code: 'forbidden' })
  })
})

describe('presence', () => {
  test('tells who is there, who comes, changes and goes, on every node', async () => {
    const [first, second] = [await client(here, ada), await client(there, bob)]
    const state = await join(first, 'open:p', { mood: 'happy' })
    expect(state).toMatchObject({ kind: 'state', members: [] })
    const own = await first.next('presence', 'open:p')
    expect(own.members[0].id).toBe(state.self)
    expect(own).toMatchObject({ kind: 'join', members: [{ uid: ada.uid, presence: { mood: 'happy' } }] })

    // Told, and in the table, at about the same time: whoever joins elsewhere sees it in either way.
    await expect.poll(() => membersSeen(second, 'open:p')).toEqual([ada.uid])
    second.send({ type: 'presence', id: 'open:p', presence: { mood: 'busy' } })
    expect(await first.next('presence', 'open:p')).toMatchObject({
      kind: 'join',
      members: [{ uid: bob.uid, presence: { mood: 'busy' } }],
    })
    second.send({ type: 'presence', id: 'open:p', presence: { mood: 'tired' } })
    expect(await first.next('presence', 'open:p')).toMatchObject({
      kind: 'update',
      members: [{ uid: bob.uid, presence: { mood: 'tired' } }],
    })
    await second.close()
    expect(await first.next('presence', 'open:p')).toMatchObject({
      kind: 'leave',
      members: [{ uid: bob.uid }],
    })
  })

  test('needs a rule of its own, and can be given up without leaving', async () => {
    const one = await client()
    one.send({ type: 'join', id: 'room:lobby', channel: 'room:lobby', presence: {} })
    expect(await one.next('error', 'room:lobby')).toMatchObject({ code: 'forbidden' })
    const [seen, watcher] = [await client(), await client()]
    await join(watcher, 'open:q')
    await join(seen, 'open:q', { here: true })
    await watcher.next('presence', 'open:q')
    seen.send({ type: 'presence', id: 'open:q', presence: null })
    expect(await watcher.next('presence', 'open:q')).toMatchObject({ kind: 'leave' })
    await project.call('POST', '/channels/open:q/broadcast', { body: { event: 'still here' } })
    await seen.next('broadcast')
  })

  test('shows another user as soon as the socket is another user', async () => {
    const [one, watcher] = [await client(here, ada), await client()]
    await join(watcher, 'open:r')
    await join(one, 'open:r', { n: 1 })
    expect(await watcher.next('presence', 'open:r')).toMatchObject({
      kind: 'join',
      members: [{ uid: ada.uid }],
    })
    one.send({ type: 'auth', token: bob.token })
    expect(await watcher.next('presence', 'open:r')).toMatchObject({
      kind: 'leave',
      members: [{ uid: ada.uid }],
    })
    expect(await watcher.next('presence', 'open:r')).toMatchObject({
      kind: 'join',
      members: [{ uid: bob.uid }],
    })
  })

  test('refuses what is too large or can not be stored, and nothing else is lost with it', async () => {
    const [one, watcher] = [await client(), await client(there)]
    await join(watcher, 'open:s')
    one.send({ type: 'join', id: 'a', channel: 'open:s', presence: { x: 'y'.repeat(4096) } })
    expect(await one.next('error', 'a')).toMatchObject({ errors: [{ path: 'presence', code: 'too_large' }] })
    one.send({ type: 'join', id: 'b', channel: 'open:s', presence: { x: '\0' } })
    expect(await one.next('error', 'b')).toMatchObject({
      errors: [{ path: 'presence', code: 'invalid_text' }],
    })
    one.send({ type: 'join', id: 'c', channel: 'open:s', presence: { x: String.raw`\u0000` } })
    expect(await watcher.next('presence', 'open:s')).toMatchObject({
      kind: 'join',
      members: [{ presence: { x: String.raw`\u0000` } }],
    })
  })
})

async function membersSeen(one: RealtimeClient, channel: string): Promise<unknown[]> {
  one.send({ type: 'unsubscribe', id: channel })
  const { members } = await join(one, channel)
  return members.map(({ uid }: Message) => uid)
}

describe('the rules of channels', () => {
  test('are listed, read, replaced and deleted; faults are told with their place', async () => {
    await rules('listed:*', { join: 'true' })
    const { body } = await project.call('GET', '/channels/rules')
    expect(body.channelRules.map(({ pattern }: Message) => pattern)).toContain('listed:*')
    expect((await project.call('GET', '/channels/rules/listed:*')).body.rules).toEqual({ join: 'true' })
    expect((await project.call('DELETE', '/channels/rules/listed:*')).status).toBe(204)
    expect((await project.call('GET', '/channels/rules/listed:*')).status).toBe(404)
    expect((await project.call('DELETE', '/channels/rules/listed:*')).status).toBe(404)
    const wrong = await project.call('PUT', '/channels/rules/x', {
      body: { rules: { join: 'doc.owner == 1' } },
    })
    expect(wrong.status).toBe(400)
    expect(wrong.body.errors).toMatchObject([{ path: 'rules.join', code: 'invalid_rule' }])
    const unnamed = await project.call('PUT', '/channels/rules/a b', { body: { rules: {} } })
    expect(unnamed.body.errors).toMatchObject([{ path: 'path.pattern', code: 'invalid_name' }])
    const anonymous = await project.call('GET', '/channels/rules', { as: project.publishable })
    expect(anonymous.status).toBe(403)
  })
})
