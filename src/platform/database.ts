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

/**
 * Runs work on a connection that outlives what PostgreSQL refuses. `pool.query` closes its connection on any error,
 * and a new one costs 4 ms and all that was prepared: too much for an answer as common as "is taken".
 */
export async function withConnection<T>(
  db: Database,
  work: (connection: Queryable) => Promise<T>,
): Promise<T> {
  const connection = await db.connect()
  let isBroken = false
  try {
    return await work(connection)
  } catch (error) {
    isBroken = !isRefusal(error)
    throw error
  } finally {
    connection.release(isBroken)
  }
}

/** Class 22 data, 23 constraint, 42 names, 54 limits: the statement failed, the connection is as it was. */
function isRefusal(error: unknown): boolean {
  return /^(22|23|42|54)/.test(sqlState(error) ?? '')
}

/**
 * The SQLSTATE of an error that PostgreSQL sent, also where Prisma has wrapped it.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const wrapped = within(error, ['meta', 'driverAdapterError', 'cause', 'originalCode'])
  const state = wrapped ?? ('code' in error ? error.code : undefined)
  // Prisma's own codes look alike: P1001 to P6010, where PostgreSQL has no class.
  return typeof state === 'string' && /^(?!P[1-9])[0-9A-Z]{5}$/.test(state) ? state : undefined
}

function within(value: unknown, path: string[]): unknown {
  const [step, ...rest] = path
  if (step === undefined) return value
  if (typeof value !== 'object' || value === null) return undefined
  return within(Object.getOwnPropertyDescriptor(value, step)?.value, rest)
}
