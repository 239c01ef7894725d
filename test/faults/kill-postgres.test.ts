import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { superuser } from '../../src/platform/embedded-postgres/create-cluster.ts'
import { type PostgresProcess, startPostgresProcess } from '../support/postgres-process.ts'
import { createTarget, JournaledLoad } from './journaled-load.ts'
import { seededRandom } from './random.ts'
import {
  endServer,
  freePort,
  operator,
  readPostmasterPid,
  type ServerProcess,
  spawnServer,
  untilReady,
} from './server-process.ts'

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

async function startLoad(): Promise<JournaledLoad> {
  await untilReady(server)
  const load = new JournaledLoad(await createTarget(server.url, operator), seededRandom(1))
  await load.prepare()
  load.start(8)
  return load
}

/** Every answer was a success or a 503 that says when to come again, and what was acknowledged is there. */
async function expectUnharmed(load: JournaledLoad, faults: number): Promise<void> {
  await untilReady(server)
  await sleep(500)
  await load.stop()
  console.log(
    `${faults} faults: ${load.acknowledged} writes acknowledged, ${load.refused} times 503, ` +
      `${load.replayed} in vain at first`,
  )
  expect(load.oddities).toEqual([])
  expect(load.cutOff).toBe(0)
  expect(load.refused).toBeGreaterThan(0)
  expect(server.child.exitCode).toBeNull()
  await load.verify()
}

/** Kills a process that serves one of our connections: PostgreSQL then ends all others and recovers. */
async function killBackend(): Promise<void> {
  const lines = (await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')
  const client = new pg.Client({ host: lines[4], user: superuser, database: superuser })
  client.on('error', () => undefined)
  await client.connect()
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid
     FROM pg_stat_activity
     WHERE application_name = 'basalt'
     ORDER BY state = 'active' DESC
     LIMIT 1`,
  )
  process.kill(rows[0]!.pid, 'SIGKILL')
  await client.end().catch(() => undefined)
}

test('a killed backend, and the recovery that follows, costs a moment and nothing else', async () => {
  server = spawnServer(await freePort(), { BASALT_DATA_DIR: dataDir })
  const load = await startLoad()
  for (let fault = 0; fault < 5; fault++) {
    await sleep(700)
    await killBackend()
    await sleep(300)
    await untilReady(server)
  }
  await expectUnharmed(load, 5)
}, 90_000)

test('an embedded PostgreSQL that is killed is started again', async () => {
  server = spawnServer(await freePort(), { BASALT_DATA_DIR: dataDir })
  const load = await startLoad()
  for (let fault = 0; fault < 3; fault++) {
    await sleep(700)
    process.kill(await readPostmasterPid(dataDir), 'SIGKILL')
    await sleep(300)
    await untilReady(server)
  }
  await expectUnharmed(load, 3)
}, 90_000)

test('a given PostgreSQL may restart: until it is back the process lives and says that it is not ready', async () => {
  const given = join(folder, 'given')
  let postgres: PostgresProcess = await startPostgresProcess(given)
  try {
    const { host, user, database } = postgres.postgres.connection
    const url = `postgres://${user}@localhost/${database}?host=${encodeURIComponent(host)}`
    server = spawnServer(await freePort(), { BASALT_DATA_DIR: dataDir, DATABASE_URL: url })
    const load = await startLoad()
    await sleep(700)

    await postgres.stop()
    const ready = await fetch(`${server.url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toEqual({ status: 'unavailable', checks: { database: 'unavailable' } })
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    await sleep(1500)

    postgres = await startPostgresProcess(given)
    await expectUnharmed(load, 1)
  } finally {
    server.child.kill('SIGTERM')
    await server.exited
    await postgres.stop()
  }
}, 90_000)
