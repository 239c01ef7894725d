import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createTarget } from './journaled-load.ts'
import { seededRandom } from './random.ts'
import { freePort, operator, type ServerProcess, spawnServer, untilReady } from './server-process.ts'

const script = fileURLToPath(new URL('serve-journaling-tasks.ts', import.meta.url))

let database: TestDatabase
let nodes: ServerProcess[]
let ports: number[]

beforeEach(async () => {
  database = await createTestDatabase()
  await database.pool.query(`
    CREATE TABLE attempts (id text, attempt int, pid int);
    CREATE TABLE effects (id text PRIMARY KEY)`)
  ports = [await freePort(), await freePort()]
  nodes = []
  for (const port of ports) nodes.push(await start(port))
})

afterEach(async () => {
  for (const { child, exited } of nodes) {
    child.kill('SIGKILL')
    await exited
  }
  await database.drop()
})

async function start(port: number): Promise<ServerProcess> {
  const node = spawnServer(port, { DATABASE_URL: database.url }, script)
  await untilReady(node)
  return node
}

async function kill(at: number): Promise<void> {
  nodes[at]!.child.kill('SIGKILL')
  await nodes[at]!.exited
}

type Target = Awaited<ReturnType<typeof createTarget>>

/** The id, if the server said that it has the task. */
async function enqueue(at: number, { ref, secret }: Target, milliseconds: number, more = {}) {
  const answer = await fetch(`${nodes[at]!.url}/v1/projects/${ref}/tasks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'journal', payload: { milliseconds }, ...more }),
  }).catch(() => undefined)
  if (answer?.status !== 202) return undefined
  const { id } = (await answer.json().catch(() => ({}))) as { id?: string }
  return id
}

async function count(sql: string, ...values: unknown[]): Promise<number> {
  const { rows } = await database.pool.query<{ count: string }>(`SELECT count(*) FROM ${sql}`, values)
  return Number(rows[0]?.count)
}

test('nodes that take, run and record tasks are killed in turn, and none is lost', async () => {
  const seed = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000)
  const random = seededRandom(seed)
  const target = await createTarget(nodes[0]!.url, operator)
  const acknowledged: string[] = []
  let isLoading = true
  const load = Array.from({ length: 6 }, async () => {
    while (isLoading) {
      const id = await enqueue(random() < 0.5 ? 0 : 1, target, Math.floor(random() * 40), {
        ...(random() < 0.2 && { delay: random() * 2 }),
      })
      if (id === undefined) await sleep(50)
      else acknowledged.push(id)
    }
  })
  for (let round = 0; round < 4; round++) {
    await sleep(300 + random() * 700)
    const at = round % 2
    await kill(at)
    nodes[at] = await start(ports[at]!)
  }
  isLoading = false
  await Promise.all(load)

  await expect
    .poll(() => count(`basalt.tasks WHERE state <> 'succeeded'`), { timeout: 45_000, interval: 200 })
    .toBe(0)
  const done = await count('effects WHERE id = ANY ($1)', acknowledged)
  console.log(
    `FAULT_SEED=${seed}: ${acknowledged.length} tasks acknowledged, ${await count('attempts')} attempts`,
  )
  expect(done).toBe(acknowledged.length)
  expect(acknowledged.length).toBeGreaterThan(100)
}, 150_000)

test('tasks of a node that was killed go on elsewhere within seconds, as another attempt with the same id', async () => {
  const target = await createTarget(nodes[0]!.url, operator)
  const ids: string[] = []
  for (let n = 0; n < 12; n++) ids.push((await enqueue(0, target, 3_000))!)
  await expect.poll(() => count('attempts')).toBe(12)
  const { rows } = await database.pool.query<{ id: string }>('SELECT id FROM attempts WHERE pid = $1', [
    nodes[0]!.child.pid,
  ])
  await kill(0)
  await expect.poll(() => count('effects'), { timeout: 45_000, interval: 100 }).toBe(12)
  expect(rows.length).toBeGreaterThan(0)
  for (const { id } of rows) {
    expect(await count('attempts WHERE id = $1 AND attempt = 2 AND pid = $2', id, nodes[1]!.child.pid)).toBe(
      1,
    )
  }
}, 100_000)

test('the last attempt of a task whose node dies leaves it dead, with what happened', async () => {
  const target = await createTarget(nodes[0]!.url, operator)
  await kill(1)
  const id = await enqueue(0, target, 60_000, { maxAttempts: 1 })
  await expect.poll(() => count('attempts')).toBe(1)
  await kill(0)
  nodes[1] = await start(ports[1]!)
  await expect
    .poll(
      () => count(`basalt.tasks WHERE id = $1 AND state = 'dead' AND error->>'code' = 'server_died'`, id),
      {
        timeout: 45_000,
      },
    )
    .toBe(1)
}, 100_000)

test('a node that is told to stop gives back what it can not finish, as if it had not begun', async () => {
  const target = await createTarget(nodes[0]!.url, operator)
  await kill(1)
  const long = await enqueue(0, target, 60_000)
  const short = await enqueue(0, target, 1_000)
  await expect.poll(() => count('attempts')).toBe(2)
  nodes[0]!.child.kill('SIGTERM')
  expect(await nodes[0]!.exited).toBe(0)
  expect(await count(`basalt.tasks WHERE id = $1 AND state = 'succeeded'`, short)).toBe(1)
  expect(
    await count(`basalt.tasks WHERE id = $1 AND state IN ('waiting', 'ready') AND attempt = 0`, long),
  ).toBe(1)
  nodes[1] = await start(ports[1]!)
  await expect.poll(() => count('attempts WHERE id = $1 AND attempt = 1', long)).toBe(2)
}, 100_000)
