import { Logger as GraphileLogger, runMigrations, runTaskList } from 'graphile-worker'
import { EventEmitter } from 'node:events'
import type { Database } from '../platform/database.ts'
import type { Logger } from '../platform/logging.ts'

/** Where graphile-worker keeps its tables: not under its usual name, which another program may use here. */
export const workerSchema = 'basalt_worker'

/** One attempt at a task, as admit_tasks hands it over. */
interface Ticket {
  project: string
  task: string
}

/** Brings graphile-worker's own tables up to date. */
export async function migrateWorker(db: Database): Promise<void> {
  await runMigrations({ pgPool: db, schema: workerSchema, logger: silent })
}

export interface WorkerPool {
  /** Resolves or rejects when it has ended, for whatever reason. */
  readonly ended: Promise<void>
  /** Takes nothing more, and resolves when what it took is done. */
  stop(): Promise<void>
}

/**
 * Starts graphile-worker on what was admitted: it takes jobs in order, without two nodes ever taking the same one, and
 * calls `work` for up to `slots` at once.
 *
 * @param work if it throws, the job is taken again after a while
 */
export function startWorkerPool(
  db: Database,
  log: Logger,
  slots: number,
  work: (projectId: string, taskId: string) => Promise<void>,
): WorkerPool {
  const pool = runTaskList(
    {
      schema: workerSchema,
      logger: adaptLogger(log),
      noHandleSignals: true,
      events: new EventEmitter(),
      preset: {
        worker: {
          concurrentJobs: slots,
          pollInterval: 1_000,
          // Fetched together, and given back when no slot becomes free for them here: others may have one.
          localQueue: { size: slots, ttl: 500 },
          completeJobBatchDelay: 5,
          failJobBatchDelay: 5,
          // Those who work are told by us when to stop; see worker.ts.
          gracefulShutdownAbortTimeout: 60_000,
        },
      },
    },
    {
      task(payload) {
        const { project, task } = payload as Ticket
        return work(project, task)
      },
    },
    db,
  )
  return {
    ended: pool.promise,
    async stop() {
      await pool.gracefulShutdown('the server is stopping')
    },
  }
}

/** What it says of each job is too much; what it says of faults is not. */
function adaptLogger(log: Logger): GraphileLogger {
  return new GraphileLogger(() => (level, message, meta) => {
    if (level === 'error') log.error({ err: meta['error'] }, `tasks: ${message}`)
    else if (level === 'warning') log.warn(`tasks: ${message}`)
  })
}

const silent = new GraphileLogger(() => () => undefined)
