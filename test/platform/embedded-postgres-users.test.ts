import { chmod, chown, lstat, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { canReach, chooseRunAs } from '../../src/platform/embedded-postgres/run-as.ts'
import { type PostgresProcess, startPostgresProcess } from '../support/postgres-process.ts'

const asRoot = process.getuid?.() === 0
const namespaces = asRoot && chooseRunAs({ avoidNamespace: false }).kind === 'namespace'

// Others can't use the runtime where the checkout lies in a closed home.
const nobody = 65_534
const reachable =
  asRoot &&
  canReach({ kind: 'account', name: 'nobody', uid: nobody, gid: nobody }, process.execPath, 'execute')

// Becoming other users takes root; as an ordinary user every other test takes the ordinary way.
describe.runIf(asRoot)('as root', () => {
  let folder: string
  const started: PostgresProcess[] = []
  const relocated: string[] = []

  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'basalt-users-')))
    await chmod(folder, 0o755)
  })

  afterEach(async () => {
    for (const server of started.splice(0)) await server.stop()
    for (const path of [folder, ...relocated.splice(0)]) await rm(path, { recursive: true, force: true })
  })

  async function start(
    dataDir: string,
    options: Parameters<typeof startPostgresProcess>[1] = {},
  ): Promise<PostgresProcess['postgres']> {
    const server = await startPostgresProcess(dataDir, options)
    started.push(server)
    return server.postgres
  }

  async function stopAll(): Promise<void> {
    for (const server of started.splice(0)) await server.stop()
  }

  async function createTable(postgres: PostgresProcess['postgres']): Promise<number> {
    const client = new pg.Client(postgres.connection)
    await client.connect()
    await client.query('CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS number')
    const { rows } = await client.query<{ number: number }>('SELECT number FROM kept')
    await client.end()
    return rows[0]!.number
  }

  test.runIf(namespaces)(
    'it runs in a user namespace, inside a home that is closed to all others',
    async () => {
      await chmod(folder, 0o700)
      const postgres = await start(join(folder, 'data'))
      expect(postgres).toMatchObject({ runAs: 'namespace', cluster: join(folder, 'data/postgres') })
      expect((await lstat(postgres.cluster)).uid).toBe(0)
      expect(await createTable(postgres)).toBe(7)
    },
  )

  test.runIf(namespaces)(
    "it runs in another user's closed home, with the database where root alone can get",
    async () => {
      const home = join(folder, 'home')
      await mkdir(home, { mode: 0o700 })
      await chown(home, nobody, nobody)
      const postgres = await start(join(home, 'data'))
      relocated.push(join(postgres.cluster, '..'))
      expect(postgres.cluster).toMatch(/^\/var\/lib\/basalt\//)
      expect(await createTable(postgres)).toBe(7)
    },
  )

  test('without user namespaces it runs as another account, which owns the database', async () => {
    const postgres = await start(join(folder, 'data'), { avoidNamespace: true })
    expect(postgres).toMatchObject({ runAs: 'account', cluster: join(folder, 'data/postgres') })
    const { uid, mode } = await lstat(postgres.cluster)
    expect(uid).not.toBe(0)
    expect(mode & 0o777).toBe(0o700)
    expect((await lstat(postgres.connection.host)).mode & 0o777).toBe(0o700)
    expect(await createTable(postgres)).toBe(7)
  })

  test('without user namespaces and in a closed home, the database moves to a system folder and stays there', async () => {
    await chmod(folder, 0o700)
    const first = await start(join(folder, 'data'), { avoidNamespace: true })
    relocated.push(join(first.cluster, '..'))
    expect(first.cluster).toMatch(/^\/var\/lib\/basalt\//)
    expect((await lstat(join(first.cluster, '..'))).mode & 0o777).toBe(0o700)
    await createTable(first)
    await stopAll()
    const second = await start(join(folder, 'data'), { avoidNamespace: true })
    expect(second.cluster).toBe(first.cluster)
    expect(await createTable(second)).toBe(7)
  })

  test.runIf(namespaces)(
    'a database changes hands when the host starts or stops to allow namespaces',
    async () => {
      const dataDir = join(folder, 'data')
      await createTable(await start(dataDir))
      await stopAll()
      expect(await createTable(await start(dataDir, { avoidNamespace: true }))).toBe(7)
      await stopAll()
      expect(await createTable(await start(dataDir))).toBe(7)
    },
  )

  test.runIf(namespaces)(
    'a database in a closed home is not forgotten when namespaces are forbidden: the start is refused',
    async () => {
      await chmod(folder, 0o700)
      await createTable(await start(join(folder, 'data')))
      await stopAll()
      await expect(start(join(folder, 'data'), { avoidNamespace: true })).rejects.toThrow(
        'Move the data folder',
      )
    },
  )

  test.runIf(reachable)('an ordinary user runs it in a closed home', async () => {
    await chown(folder, nobody, nobody)
    await chmod(folder, 0o700)
    const postgres = await start(join(folder, 'data'), { uid: nobody })
    expect(postgres.runAs).toBe('self')
    expect((await lstat(postgres.cluster)).uid).toBe(nobody)
  })

  test.runIf(namespaces && reachable)(
    'a user without a name, as container platforms assign them, runs it too',
    async () => {
      await chown(folder, 54_321, 54_321)
      const postgres = await start(join(folder, 'data'), { uid: 54_321 })
      expect(postgres.runAs).toBe('namespace')
      expect((await lstat(postgres.cluster)).uid).toBe(54_321)
    },
  )

  test.runIf(reachable)("an ordinary user is not let into root's database", async () => {
    await start(join(folder, 'data'))
    await stopAll()
    await expect(start(join(folder, 'data'), { uid: nobody })).rejects.toThrow(/not writable|belongs to/)
  })

  test('a folder for sockets that someone else has put there is refused', async () => {
    const dataDir = join(folder, 'deep'.repeat(20), 'data')
    const { connection } = await start(dataDir)
    await stopAll()
    await rm(connection.host, { recursive: true })
    await mkdir(connection.host, { mode: 0o777 })
    relocated.push(connection.host)
    await chown(connection.host, 12_345, 12_345)
    await expect(start(dataDir)).rejects.toThrow('belongs to someone else')
  })
})
