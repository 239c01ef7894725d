import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTarget, JournaledLoad } from './journaled-load.ts'
import { seededRandom } from './random.ts'
import {
  endServer,
  freePort,
  operator,
  type ServerProcess,
  spawnServer,
  untilReady,
} from './server-process.ts'

const kills = 20
// The promise, held by the middle of all starts: tests share their processors with whatever else runs there, and a
// start that takes a second of computing may wait for many.
const servesWithinMs = 5_000

let folder: string
let dataDir: string
let server: ServerProcess

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'basalt-kill-')))
  await chmod(folder, 0o755)
  dataDir = join(folder, 'data')
})

afterEach(async () => {
  await endServer(server, dataDir)
  await rm(folder, { recursive: true, force: true })
})

test('kill -9 of the server, twenty times under load, loses nothing and leaves nothing half-written', async () => {
  const seed = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000)
  const random = seededRandom(seed)
  const port = await freePort()
  const env = { BASALT_DATA_DIR: dataDir }
  server = spawnServer(port, env)
  await untilReady(server)
  const load = new JournaledLoad(await createTarget(server.url, operator), random)
  await load.prepare()
  load.start(8)

  const restarts: number[] = []
  for (let kill = 0; kill < kills; kill++) {
    await sleep(50 + random() * 800)
    server.child.kill('SIGKILL')
    expect(await server.exited).toBe('SIGKILL')
    server = spawnServer(port, env)
    restarts.push(await untilReady(server))
  }
  await sleep(500)
  await load.stop()
  restarts.sort((a, b) => a - b)
  const median = restarts[restarts.length >> 1]
  console.log(
    `FAULT_SEED=${seed}: ${load.acknowledged} writes acknowledged, ${load.replayed} of them in vain at first, ` +
      `served again after ${median} ms, ${restarts.at(-1)} ms at worst`,
  )

  expect(load.oddities).toEqual([])
  await load.verify()
  expect(load.acknowledged).toBeGreaterThan(200)
  expect(median).toBeLessThan(servesWithinMs)
}, 240_000)
