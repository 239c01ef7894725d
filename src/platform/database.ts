import type pg from 'pg'

/** The pool. A function that takes it may use several connections. */
export type Database = pg.Pool

/** One connection inside a transaction: whoever takes it is called between BEGIN and COMMIT. */
export type Transaction = pg.PoolClient

/** Either: for statements that don't care. */
export type Queryable = Pick<pg.ClientBase, 'query'>

/** Runs `work` in a transaction and commits, or rolls back and throws what it threw. */
export async function inTransaction<T>(
  db: Database,
  work: (tx: Transaction) => Promise<T>,
  options: { isolation?: 'READ COMMITTED' | 'REPEATABLE READ'; readOnly?: boolean } = {},
): Promise<T> {
  const tx = await db.connect()
  let broken: Error | undefined
  try {
    const mode = options.readOnly === true ? 'READ ONLY' : 'READ WRITE'
    await tx.query(`BEGIN ISOLATION LEVEL ${options.isolation ?? 'READ COMMITTED'} ${mode}`)
    const result = await work(tx)
    await tx.query('COMMIT')
    return result
  } catch (error) {
    await tx.query('ROLLBACK').catch((reason: unknown) => {
      // A connection that can't roll back is in an unknown state: it must not go back to the pool.
      broken = reason instanceof Error ? reason : new Error(String(reason))
    })
    throw error
  } finally {
    tx.release(broken)
  }
}

/** The SQLSTATE of an error that PostgreSQL sent. https://www.postgresql.org/docs/current/errcodes-appendix.html */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined
}
