import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, realpath, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type PostgresProcess, startPostgresProcess } from '../support/postgres-process.ts'

// A small disk is a tmpfs, and mounting takes root.
describe.runIf(process.getuid?.() === 0 && canMount())('when the disk is full', () => {
  let folder: string
  let server: PostgresProcess | undefined

  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'basalt-full-')))
  })

  afterEach(async () => {
    await server?.stop()
    server = undefined
    execFileSync('umount', [folder])
    await rm(folder, { recursive: true, force: true })
  })

  test('a first start says so, and leaves nothing half-made', async () => {
    mount(folder, '20m')
    await expect(startPostgresProcess(join(folder, 'data'))).rejects.toThrow(
      `The disk that holds ${join(folder, 'data')} is full`,
    )
    const { bfree, blocks } = await statfs(folder)
    expect(bfree / blocks).toBeGreaterThan(0.9)
  })

  test('a later start says so, and works again once there is space', async () => {
    mount(folder, '200m')
    server = await startPostgresProcess(join(folder, 'data'))
    await server.kill()
    process.kill(Number(await firstLineOf(join(server.postgres.cluster, 'postmaster.pid'))), 'SIGKILL')
    server = undefined
    await fill(folder)
    await expect(startPostgresProcess(join(folder, 'data'))).rejects.toThrow('is full')
    await rm(join(folder, 'ballast'))
    server = await startPostgresProcess(join(folder, 'data'))
  })

  test('a running server refuses writes with SQLSTATE class 53, lives on, and writes again once there is space', async () => {
    mount(folder, '200m')
    server = await startPostgresProcess(join(folder, 'data'))
    const { connection } = server.postgres
    const pool = new pg.Pool({ ...connection, max: 1 })
    pool.on('error', () => undefined)
    await pool.query('CREATE TABLE notes (id integer PRIMARY KEY, text text)')
    await pool.query(`INSERT INTO notes VALUES (0, 'acknowledged')`)
    await fill(folder)
    const failed = await insertUntilItFails(pool)
    // Either the table can't grow, or the log can't and PostgreSQL restarts itself.
    expect(failed).toMatch(/^(53100|57P0[0-9]|no state)$/)
    expect(server.child.exitCode).toBeNull()

    await rm(join(folder, 'ballast'))
    await vi.waitFor(() => pool.query(`INSERT INTO notes VALUES (-1, 'after')`), {
      timeout: 15_000,
      interval: 100,
    })
    const { rows } = await pool.query('SELECT id FROM notes WHERE id <= 0 ORDER BY id')
    expect(rows).toEqual([{ id: -1 }, { id: 0 }])
    await pool.end()
  })
})

function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function mount(folder: string, size: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'basalt-test', folder])
}

async function firstLineOf(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).split('\n')[0] ?? ''
}

async function fill(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  await writeFile(join(folder, 'ballast'), Buffer.alloc(bavail * bsize))
}

async function insertUntilItFails(pool: pg.Pool): Promise<string> {
  for (let id = 1; id < 1_000_000; id++) {
    try {
      await pool.query(
        'INSERT INTO notes SELECT $1::integer * 1000 + n, md5(random()::text) FROM generate_series(1, 1000) AS n',
        [id],
      )
    } catch (error) {
      return error instanceof pg.DatabaseError ? (error.code ?? 'no state') : 'no state'
    }
  }
  return 'it never failed'
}
