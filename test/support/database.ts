import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

export interface TestDatabase {
  url: string
  pool: pg.Pool
  /** Closes the pool and drops the database, whoever is still connected. */
  drop(): Promise<void>
}

/** A fresh, migrated database, cloned from the run's template in some 30 ms. For `beforeAll`; drop it in `afterAll`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { host, user } = inject('postgres')
  const database = `test_${randomBytes(6).toString('hex')}`
  const pool = new pg.Pool({ host, user, database, max: 10 })
  // The pool's end doesn't wait for its sockets to close, so that the drop may cut one off.
  pool.on('error', () => undefined)
  await asAdmin((admin) => admin.query(`CREATE DATABASE ${database} TEMPLATE basalt_template`))
  return {
    url: `postgres://${user}@localhost/${database}?host=${encodeURIComponent(host)}`,
    pool,
    async drop() {
      await pool.end()
      await asAdmin((admin) => admin.query(`DROP DATABASE ${database} WITH (FORCE)`))
    },
  }
}

async function asAdmin(work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ ...inject('postgres'), database: 'postgres' })
  await admin.connect()
  try {
    await work(admin)
  } finally {
    await admin.end()
  }
}
