import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createTarget, JournaledLoad } from './journaled-load.ts'
import { seededRandom } from './random.ts'
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

test('two nodes write to one project while each of them is killed in turn, and keep every promise', async () => {
  const seed = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000)
  const random = seededRandom(seed)
  const env = { DATABASE_URL: database.url }
  const ports = [await freePort(), await freePort()]
  nodes = ports.map((port) => spawnServer(port, env))
  for (const node of nodes) await untilReady(node)
  const target = await createTarget(nodes[0]!.url, operator)
  const load = new JournaledLoad({ ...target, urls: nodes.map(({ url }) => url) }, random)
  await load.prepare()
  load.start(8)

  for (let kill = 0; kill < 6; kill++) {
    await sleep(100 + random() * 900)
    const at = kill % 2
    nodes[at]!.child.kill('SIGKILL')
    await nodes[at]!.exited
    nodes[at] = spawnServer(ports[at]!, env)
    await untilReady(nodes[at])
  }
  await sleep(500)
  await load.stop()
  console.log(
    `FAULT_SEED=${seed}: ${load.acknowledged} writes acknowledged, ${load.replayed} of them in vain at first`,
  )
  expect(load.oddities).toEqual([])
  await load.verify()
  expect(load.acknowledged).toBeGreaterThan(200)
}, 120_000)
