import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { LiveList } from '../support/live-list.ts'
import { connect, type RealtimeClient } from '../support/realtime-client.ts'
import { createTarget } from './journaled-load.ts'
import { freePort, operator, type ServerProcess, spawnServer, untilReady } from './server-process.ts'

let database: TestDatabase
let nodes: ServerProcess[]

beforeEach(async () => {
  database = await createTestDatabase()
  nodes = []
})

afterEach(async () => {
  for (const { child, exited } of nodes) {
    child.kill('SIGKILL')
    await exited
  }
  await database.drop()
})

test('two server processes: a live query goes on at the other one, and who was on the dead one is gone', async () => {
  for (const port of [await freePort(), await freePort()]) {
    nodes.push(
      spawnServer(port, {
        DATABASE_URL: database.url,
        BASALT_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
      }),
    )
  }
  for (const node of nodes) await untilReady(node)
  const [doomed, survivor] = nodes as [ServerProcess, ServerProcess]
  const { project, secret: as, call } = await prepare(survivor)

  const watcher = await connect(survivor, project, { as })
  watcher.send({ type: 'join', id: 'c', channel: 'room' })
  await watcher.next('presence', 'c')
  const client = await connect(doomed, project, { as })
  const list = new LiveList()
  const subscribe = { type: 'subscribe', id: 's', collection: 'posts', sort: 'n' }
  client.send(subscribe)
  list.apply(await client.next('snapshot', 's'))
  client.send({ type: 'join', id: 'c', channel: 'room', presence: { name: 'doomed' } })
  expect(await watcher.next('presence', 'c')).toMatchObject({
    kind: 'join',
    members: [{ presence: { name: 'doomed' } }],
  })

  // Written on the one, seen on the other.
  await call('POST', '/collections/posts/documents', { n: 1 })
  list.apply(await client.next('change', 's'))
  expect(list.documents).toMatchObject([{ n: 1 }])

  doomed.child.kill('SIGKILL')
  await doomed.exited
  await client.closed
  await call('POST', '/collections/posts/documents', { n: 2 })

  const again = await connect(survivor, project, { as })
  again.send({ ...subscribe, cursor: list.cursor })
  list.apply(await again.next('change', 's'))
  expect(list.documents).toMatchObject([{ n: 1 }, { n: 2 }])

  const left = await nextWithin(watcher, 30_000)
  expect(left).toMatchObject({ kind: 'leave', members: [{ presence: { name: 'doomed' } }] })
  await again.close()
  await watcher.close()
}, 90_000)

async function prepare(node: ServerProcess) {
  const target = await createTarget(node.url, operator)
  const base = `${node.url}/v1/projects/${target.ref}`
  async function call(method: string, path: string, body: unknown): Promise<void> {
    const response = await fetch(base + path, {
      method,
      headers: { authorization: `Bearer ${target.secret}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(await response.text())
  }
  await call('PUT', '/collections/posts', { rules: { list: 'true' } })
  await call('PUT', '/channels/rules/room', { rules: { join: 'true', presence: 'true' } })
  return { project: { ref: target.ref, publishable: '' }, secret: target.secret, call }
}

/** A node is taken for dead after ten seconds without a word. */
async function nextWithin(client: RealtimeClient, milliseconds: number) {
  const kinds = (): string[] => client.messages.map(({ type }) => type)
  await expect.poll(kinds, { timeout: milliseconds }).toContain('presence')
  return client.next('presence', 'c')
}
