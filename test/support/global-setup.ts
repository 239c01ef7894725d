import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import pino from 'pino'
import type { TestProject } from 'vitest/node'
import { migrateDatabase } from '../../src/migrations.ts'
import { ensureCluster, superuser } from '../../src/platform/embedded-postgres/create-cluster.ts'
import { prepareFolders } from '../../src/platform/embedded-postgres/placement.ts'
import { launchPostmaster, stopPostmaster } from '../../src/platform/embedded-postgres/postmaster.ts'
import { chooseRunAs } from '../../src/platform/embedded-postgres/run-as.ts'

/** How a test reaches the run's PostgreSQL. */
export interface TestPostgres {
  host: string
  user: string
}

declare module 'vitest' {
  interface ProvidedContext {
    postgres: TestPostgres
  }
}

/** One PostgreSQL for the whole run; each test file clones its own database from the template. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'basalt-test-'))
  const runAs = chooseRunAs({ avoidNamespace: false })
  const place = await prepareFolders(folder, runAs, pino({ level: 'silent' }))
  await ensureCluster(place, runAs)
  // Nothing here outlives the run, so nothing needs to reach the disk.
  await writeFile(join(place.cluster, 'postgresql.conf'), 'fsync = off\njit = off\nmax_connections = 200\n')
  const server = launchPostmaster(place, runAs)
  const admin = { host: place.sockets, user: superuser, database: 'postgres' }
  await waitUntilReady(admin)
  await createTemplate(admin)
  project.provide('postgres', { host: place.sockets, user: superuser })
  return async () => {
    await stopPostmaster(server.pid, place.cluster)
    server.release()
    await rm(folder, { recursive: true, force: true })
    if (place.home !== folder) await rm(place.home, { recursive: true, force: true })
  }
}

async function waitUntilReady(connection: pg.ClientConfig): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const client = new pg.Client(connection)
    try {
      await client.connect()
      await client.end()
      return
    } catch {
      await sleep(50)
    }
  }
  throw new Error('PostgreSQL for the tests does not answer')
}

async function createTemplate(admin: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(admin)
  await client.connect()
  await client.query('CREATE DATABASE basalt_template')
  await client.end()
  const pool = new pg.Pool({ ...admin, database: 'basalt_template' })
  // graphile-worker prints a warning about a pool that nobody listens to.
  pool.on('error', () => undefined)
  pool.on('connect', (connection) => connection.on('error', () => undefined))
  await migrateDatabase(pool)
  await pool.end()
}
