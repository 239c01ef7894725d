import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { descendants } from './descendants.ts'
import { createTarget, type Target } from './journaled-load.ts'
import { seededRandom } from './random.ts'
import { freePort, operator, type ServerProcess, spawnServer, untilReady } from './server-process.ts'

const writes = 10_000
const perImport = 250
const kills = 9

let database: TestDatabase
let folder: string
let ports: number[]
const nodes: ServerProcess[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'fn-'))
  ports = [await freePort(), await freePort()]
  for (const at of [0, 1]) nodes.push(await start(at))
})

afterAll(async () => {
  for (const { child, exited } of nodes) {
    child.kill('SIGKILL')
    await exited
  }
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

async function start(at: number): Promise<ServerProcess> {
  const node = spawnServer(ports[at]!, {
    DATABASE_URL: database.url,
    BASALT_DATA_DIR: join(folder, String(at)),
    // A busy machine is no fault, and the imports are sent again anyway.
    BASALT_LIMIT_EVENT_LOOP_DELAY_MS: '60000',
    BASALT_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
  })
  await untilReady(node)
  return node
}

const notes = `
  import { afterCreate } from '@basalt/client/functions'
  export default afterCreate('orders', async ({ id }, { basalt, event }) => {
    // The event's id makes the effect once, however often the function is called.
    await basalt.collection('effects').create({ id: event.id.replace('.', '-'), of: id }).catch((error) => {
      if (error.code !== 'already_exists') throw error
    })
  })
`

async function call(at: number, { ref, secret }: Target, method: string, path: string, body: unknown) {
  const isText = typeof body === 'string'
  const answer = await fetch(`${nodes[at]!.url}/v1/projects/${ref}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${secret}`,
      'content-type': isText ? 'application/x-ndjson' : 'application/json',
    },
    body: isText ? body : JSON.stringify(body),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  return JSON.parse(text)
}

async function count(sql: string): Promise<number> {
  const { rows } = await database.pool.query<{ count: string }>(`SELECT count(*) FROM ${sql}`)
  return Number(rows[0]?.count)
}

test.runIf(process.platform === 'linux')(
  'servers and their functions are killed at random during 10,000 hooks: each has one effect, and none is lost',
  { timeout: 240_000 },
  async () => {
    const seed = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000)
    const random = seededRandom(seed)
    const target = await createTarget(nodes[0]!.url, operator)
    for (const name of ['orders', 'effects']) await call(0, target, 'PUT', `/collections/${name}`, {})
    await call(0, target, 'POST', '/functions/deployments', { files: { 'functions/notes.ts': notes } })

    /** Sent again until it is acknowledged: what was stored before is told of, and stays. */
    const store = async (from: number): Promise<void> => {
      const lines = Array.from({ length: perImport }, (_, n) => JSON.stringify({ id: `o${from + n}` }))
      for (;;) {
        const path = '/collections/orders/documents/import'
        const done = await call(random() < 0.5 ? 0 : 1, target, 'POST', path, lines.join('\n')).catch(
          () => undefined,
        )
        const faults: { code: string }[] = done?.errors ?? []
        if (done !== undefined && faults.every(({ code }) => code === 'already_exists')) return
        await sleep(100)
      }
    }
    const load = (async () => {
      for (let from = 0; from < writes; from += perImport) {
        await store(from)
        await sleep(100)
      }
    })()

    const ended = () => count(`basalt.tasks WHERE state = 'succeeded'`)
    let killedFunctions = 0
    for (let round = 1; round <= kills; round++) {
      const due = ((round + random() - 0.5) * writes) / (kills + 1)
      await expect.poll(ended, { timeout: 60_000, interval: 50 }).toBeGreaterThan(due)
      const at = random() < 0.5 ? 0 : 1
      if (round % 4 === 0) {
        nodes[at]!.child.kill('SIGKILL')
        await nodes[at]!.exited
        nodes[at] = await start(at)
      } else {
        const pids = await descendants(nodes[at]!.child.pid ?? 0, 'workerd')
        for (const pid of pids) process.kill(pid, 'SIGKILL')
        killedFunctions += pids.length
      }
    }
    await load
    await expect
      .poll(() => count(`basalt.tasks WHERE state <> 'succeeded'`), { timeout: 60_000, interval: 500 })
      .toBe(0)

    const tasks = await count('basalt.tasks')
    const again = await count('basalt.tasks WHERE attempt > 1')
    console.log(`FAULT_SEED=${seed}: ${killedFunctions} workerds killed, ${again} hooks ran again`)
    const effects = await call(0, target, 'POST', '/collections/effects/documents/aggregate', {
      select: { all: { $count: true }, orders: { $countDistinct: 'of' } },
    })
    expect({ tasks, ...effects.groups[0] }).toEqual({ tasks: writes, all: writes, orders: writes })
    expect(killedFunctions).toBeGreaterThan(0)
    expect(again).toBeGreaterThan(0)
  },
)
