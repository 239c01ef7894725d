import { inTransaction } from './database.ts'
import type { Services } from './services.ts'

/**
 * Runs work again and again, on one node at a time. A run that fails is logged and tried again at the next turn.
 * Returns what stops it and waits for the run under way.
 */
export function startPeriodically(
  { db, log }: Pick<Services, 'db' | 'log'>,
  name: string,
  everyMs: number,
  work: () => Promise<void>,
): () => Promise<void> {
  let running: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    running = running.then(runOnce)
  }, everyMs * jitter())

  async function runOnce(): Promise<void> {
    try {
      await inTransaction(db, async (tx) => {
        // The lock goes with the transaction, so with the node that holds it.
        const { rows } = await tx.query<{ locked: boolean }>(
          'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS locked',
          [`periodic ${name}`],
        )
        if (rows[0]?.locked !== true) return
        // This connection only holds the lock, for as long as the work takes on others.
        await tx.query('SET LOCAL idle_in_transaction_session_timeout = 0')
        await work()
      })
    } catch (error) {
      log.warn({ err: error, name }, 'periodic work failed')
    }
  }

  return async () => {
    clearInterval(timer)
    await running
  }
}

/** Nodes that were started together don't all come at the same moment. */
function jitter(): number {
  return 0.9 + Math.random() * 0.2
}
