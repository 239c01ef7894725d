import { chmod, lstat, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type PostgresProcess, startPostgresProcess } from '../support/postgres-process.ts'

let folder: string
let dataDir: string
const started: PostgresProcess[] = []

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'basalt-embedded-')))
  // Where namespaces are forbidden, PostgreSQL runs as another account, which must get here.
  await chmod(folder, 0o755)
  dataDir = join(folder, 'data')
})

afterEach(async () => {
  for (const server of started.splice(0)) await server.stop()
  await rm(folder, { recursive: true, force: true })
})

async function start(): Promise<PostgresProcess> {
  const server = await startPostgresProcess(dataDir)
  started.push(server)
  return server
}

async function query(server: PostgresProcess, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(server.postgres.connection)
  // Some of these queries kill their own connection.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function postmasterPid(): Promise<number> {
  return Number((await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0])
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a fresh folder becomes a durable UTF-8 database that only its owner can reach', async () => {
  const server = await start()
  const [settings] = await query(
    server,
    `SELECT current_setting('fsync') AS fsync,
            current_setting('synchronous_commit') AS commit,
            current_setting('server_encoding') AS encoding,
            current_setting('listen_addresses') AS addresses,
            'Ä' < 'a' AS "by language",
            lower('Ä') AS lower`,
  )
  expect(settings).toEqual({
    fsync: 'on',
    commit: 'on',
    encoding: 'UTF8',
    addresses: '',
    'by language': false,
    lower: 'ä',
  })
  expect((await lstat(dataDir)).mode & 0o066).toBe(0)
  expect((await lstat(server.postgres.connection.host)).mode & 0o777).toBe(0o700)
})

test('a stopped server leaves no PostgreSQL behind, and starts again in under a second with its data', async () => {
  const first = await start()
  await query(first, 'CREATE TABLE kept AS SELECT 7 AS number')
  const pid = await postmasterPid()
  await first.stop()
  // It has ended; the system may not have buried it yet.
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 10_000 })

  const before = performance.now()
  const second = await start()
  expect(performance.now() - before).toBeLessThan(1000)
  expect(second.postgres.adopted).toBe(false)
  expect(await query(second, 'SELECT number FROM kept')).toEqual([{ number: 7 }])
})

test('after kill -9 of the server the next one adopts the PostgreSQL that it left', async () => {
  const first = await start()
  await query(first, 'CREATE TABLE kept AS SELECT 7 AS number')
  const pid = await postmasterPid()
  await first.kill()
  expect(isAlive(pid)).toBe(true)

  const second = await start()
  expect(second.postgres.adopted).toBe(true)
  expect(await postmasterPid()).toBe(pid)
  expect(await query(second, 'SELECT number FROM kept')).toEqual([{ number: 7 }])
  await second.stop()
  // Nobody is its parent any more, so it may take a moment until the system has buried it.
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 10_000 })
})

test('after kill -9 of everything, with a stale pid file, what was committed is there', async () => {
  const first = await start()
  await query(first, 'CREATE TABLE kept AS SELECT 7 AS number')
  const pid = await postmasterPid()
  await first.kill()
  process.kill(pid, 'SIGKILL')

  const second = await start()
  expect(second.postgres.adopted).toBe(false)
  expect(await query(second, 'SELECT number FROM kept')).toEqual([{ number: 7 }])
})

test('a pid file that names some other living program does not prevent the start', async () => {
  const first = await start()
  await first.stop()
  await writeFile(join(dataDir, 'postgres/postmaster.pid'), `${process.pid}\n${dataDir}/postgres\n`)
  const second = await start()
  expect(second.postgres.adopted).toBe(false)
  expect(await query(second, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('a second server on the same folder is refused and told who has it', async () => {
  const first = await start()
  await expect(start()).rejects.toThrow(`process ${first.child.pid}) uses the data folder ${dataDir}`)
  expect(await query(first, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('of two servers that start on an empty folder at once, one serves and one is refused', async () => {
  const outcomes = await Promise.allSettled([start(), start()])
  expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(await query(started[0]!, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('when a backend is killed, PostgreSQL recovers and the server keeps its claim', async () => {
  const server = await start()
  const [backend] = await query(server, 'SELECT pg_backend_pid() AS pid')
  expect(backend).toBeDefined()
  const client = new pg.Client(server.postgres.connection)
  client.on('error', () => undefined)
  await client.connect()
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  process.kill(rows[0]!.pid, 'SIGKILL')
  await vi.waitFor(() => query(server, 'SELECT 1'), { timeout: 5000 })
  await vi.waitFor(() => expect(start()).rejects.toThrow('uses the data folder'), { timeout: 10_000 })
})

test('when PostgreSQL itself is killed, it is started again within seconds', async () => {
  const server = await start()
  await query(server, 'CREATE TABLE kept AS SELECT 7 AS number')
  const pid = await postmasterPid()
  process.kill(pid, 'SIGKILL')
  await vi.waitFor(
    async () => expect(await query(server, 'SELECT number FROM kept')).toEqual([{ number: 7 }]),
    {
      timeout: 5000,
    },
  )
  expect(await postmasterPid()).not.toBe(pid)
})

test('a data folder deeper than a socket path may be works all the same', async () => {
  dataDir = join(folder, 'deep'.repeat(20), 'deeper'.repeat(10), 'data')
  const server = await start()
  expect(server.postgres.connection.host.startsWith(dataDir)).toBe(false)
  expect(await query(server, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  expect((await lstat(server.postgres.connection.host)).mode & 0o777).toBe(0o700)
  await server.stop()
  await rm(server.postgres.connection.host, { recursive: true })
})

test('the database of another PostgreSQL version is left alone', async () => {
  const first = await start()
  await first.stop()
  await writeFile(join(dataDir, 'postgres/PG_VERSION'), '17\n')
  await expect(start()).rejects.toThrow(
    'is of PostgreSQL 17, while this version of Basalt carries PostgreSQL 18',
  )
})

test('own settings in override.conf win', async () => {
  const first = await start()
  await first.stop()
  await writeFile(join(dataDir, 'postgres/override.conf'), "work_mem = '33MB'\n")
  const second = await start()
  expect(await query(second, 'SHOW work_mem')).toEqual([{ work_mem: '33MB' }])
})

test('a start that fails half-way says why and leaves no PostgreSQL behind', async () => {
  const first = await start()
  await first.stop()
  await writeFile(join(dataDir, 'postgres/override.conf'), 'no_such_setting = 1\n')
  await expect(start()).rejects.toThrow(/PostgreSQL doesn't start in .*no_such_setting/)
  await expect(postmasterPid()).rejects.toThrow('ENOENT')
})

test('a data folder that can not be made is named', async () => {
  await writeFile(join(folder, 'file'), '')
  dataDir = join(folder, 'file', 'data')
  await expect(start()).rejects.toThrow(`The data folder ${dataDir} can't be made`)
})
