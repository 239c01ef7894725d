import { batchByKey } from '../platform/batch-by-key.ts'
import type { Database } from '../platform/database.ts'
import type { ClaimedTask } from './claim-tasks.ts'

/** What became of an attempt. */
export type Outcome =
  /** @param result as JSON text; undefined: none */
  | { state: 'succeeded'; result: string | undefined }
  | { state: 'scheduled'; runAt: Date; error: TaskError; isCounted: boolean }
  | { state: 'dead' | 'cancelled'; error: TaskError }
  /** Not tried: as if the attempt had not begun. */
  | { state: 'waiting' }

/** As it is kept and shown. */
export interface TaskError {
  code: string
  message: string
  /** ISO 8601. */
  at: string
}

/** False: the task was not this node's any more, which had been taken for dead; the outcome counts for nothing. */
export type FinishTask = (task: ClaimedTask, outcome: Outcome) => Promise<boolean>

interface Finished {
  task: ClaimedTask
  outcome: Outcome
  resolve: (isRecorded: boolean) => void
  reject: (reason: unknown) => void
}

const maxBatch = 256

/** Records what became of attempts of this node. Those that end together share a statement. */
export function createFinisher(db: Database, nodeId: string): FinishTask {
  const add = batchByKey<Finished>(
    maxBatch,
    async (_key, batch) => {
      try {
        const { rows } = await db.query<{ project_id: string; id: string }>({
          name: 'finish tasks',
          text: finishSql,
          values: [`[${batch.map(outcomeJson).join(',')}]`, nodeId],
        })
        const recorded = new Set(rows.map((row) => `${row.project_id} ${row.id}`))
        for (const { task, resolve } of batch) resolve(recorded.has(`${task.projectId} ${task.id}`))
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    },
    1,
  )
  return (task, outcome) =>
    new Promise((resolve, reject) => add('finish', { task, outcome, resolve, reject }))
}

/** A result travels as text in JSON: it may say things that PostgreSQL stores in JSON but can't make text of. */
function outcomeJson({ task, outcome }: Finished): string {
  const { projectId, id, attempt } = task
  const isUncounted = outcome.state === 'waiting' || (outcome.state === 'scheduled' && !outcome.isCounted)
  const common = { project_id: projectId, id, attempt, state: outcome.state, uncounted: isUncounted ? 1 : 0 }
  if (outcome.state === 'succeeded') return JSON.stringify({ ...common, result: outcome.result })
  const runAt = outcome.state === 'scheduled' ? outcome.runAt : undefined
  return JSON.stringify({ ...common, run_at: runAt, error: 'error' in outcome ? outcome.error : undefined })
}

// Whoever asked to cancel it may have been heard by the table only.
const finishSql = `
  UPDATE basalt.tasks AS task
  SET state = CASE
        WHEN input.state IN ('scheduled', 'waiting') AND task.cancel_requested_at IS NOT NULL THEN 'cancelled'
        ELSE input.state
      END,
      finished_at = CASE
        WHEN input.state IN ('scheduled', 'waiting') AND task.cancel_requested_at IS NULL THEN NULL
        ELSE now()
      END,
      attempt = task.attempt - input.uncounted,
      run_at = coalesce(input.run_at, task.run_at),
      node_id = NULL,
      result = input.result::json,
      error = coalesce(input.error, task.error)
  FROM json_to_recordset($1::json) AS input (
    project_id text, id text, attempt int, state text, uncounted int, run_at timestamptz, result text, error json
  )
  WHERE task.project_id = input.project_id
    AND task.id = input.id
    AND task.state = 'running'
    AND task.attempt = input.attempt
    AND task.node_id = $2
  RETURNING task.project_id, task.id`
