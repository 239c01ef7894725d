import type { Database } from '../platform/database.ts'
import type { Logger } from '../platform/logging.ts'
import { repeat } from './repeat.ts'
import type { AbortReason } from './run-task.ts'

export interface ActiveRun {
  projectId: string
  id: string
  attempt: number
  /** Milliseconds since 1970. */
  since: number
  abort: AbortController
}

const everyMs = 1_000

/**
 * Compares what runs here with the table, once a second while something runs: a request to cancel that the bus lost is
 * heard all the same, and what is somebody else's by now, because this node was taken for dead, is ended.
 */
export function watchRuns(
  db: Database,
  nodeId: string,
  runs: ReadonlyMap<string, ActiveRun>,
  log: Logger,
): () => Promise<void> {
  return repeat(everyMs, async () => {
    if (runs.size === 0) return
    const asked = Date.now()
    try {
      const { rows } = await db.query<{
        project_id: string
        id: string
        attempt: number
        is_cancelled: boolean
      }>({
        name: 'watch tasks',
        text: `
          SELECT project_id, id, attempt, cancel_requested_at IS NOT NULL AS is_cancelled
          FROM basalt.tasks
          WHERE node_id = $1 AND state = 'running'`,
        values: [nodeId],
      })
      const mine = new Map(rows.map((row) => [`${row.project_id} ${row.id}`, row]))
      for (const [key, run] of runs) {
        const row = mine.get(key)
        if (row?.attempt === run.attempt && row.is_cancelled) abort(run, 'cancelled')
        if (row?.attempt !== run.attempt && run.since < asked) abort(run, 'lost')
      }
    } catch (error) {
      log.warn({ err: error }, 'could not compare running tasks with the database')
    }
  })
}

function abort(run: ActiveRun, reason: AbortReason): void {
  run.abort.abort(reason)
}
