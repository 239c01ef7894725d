import { batchByKey } from '../platform/batch-by-key.ts'
import type { Database } from '../platform/database.ts'
import type { RunningTask } from './task.ts'

/** A task that is this node's to run, for one attempt. */
export interface ClaimedTask extends RunningTask {
  projectId: string
  projectRef: string
}

/** Undefined: it was cancelled, put off, or its project is gone. */
export type ClaimTask = (projectId: string, id: string) => Promise<ClaimedTask | undefined>

interface Waiting {
  projectId: string
  id: string
  resolve: (task: ClaimedTask | undefined) => void
  reject: (reason: unknown) => void
}

const maxBatch = 256

/**
 * Begins an attempt: `ready` becomes `running`, on this node, in one conditional UPDATE. So whatever the worker hands
 * out twice is run once. Those that come together share a statement.
 */
export function createClaims(db: Database, nodeId: string): ClaimTask {
  const add = batchByKey<Waiting>(
    maxBatch,
    async (_key, batch) => {
      try {
        const { rows } = await db.query<ClaimedRow>({
          name: 'claim tasks',
          text: claimSql,
          values: [batch.map(({ projectId }) => projectId), batch.map(({ id }) => id), nodeId],
        })
        const claimed = new Map(rows.map((row) => [`${row.project_id} ${row.id}`, row]))
        for (const { projectId, id, resolve } of batch) {
          const name = `${projectId} ${id}`
          const row = claimed.get(name)
          // Handed out twice in one batch, it is run once all the same.
          claimed.delete(name)
          resolve(row && toClaimedTask(row))
        }
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    },
    1,
  )
  return (projectId, id) => new Promise((resolve, reject) => add('claim', { projectId, id, resolve, reject }))
}

// Starting lets go of the key: what changes from now on needs another run.
const claimSql = `
  UPDATE basalt.tasks AS task
  SET state = 'running',
      attempt = task.attempt + 1,
      started_at = now(),
      node_id = $3,
      held_key = NULL
  FROM unnest($1::text[], $2::text[]) AS wanted (project_id, id)
  JOIN basalt.projects AS project ON project.id = wanted.project_id
  WHERE task.project_id = wanted.project_id
    AND task.id = wanted.id
    AND task.state = 'ready'
  RETURNING
    task.project_id, project.ref, task.id, task.kind, task.name, task.queue, task.payload, task.attempt,
    task.max_attempts, task.timeout_ms, task.key, task.created_at, task.run_at, task.schedule, task.scheduled_for`

interface ClaimedRow {
  project_id: string
  ref: string
  id: string
  kind: string
  name: string
  queue: string
  payload: unknown
  attempt: number
  max_attempts: number
  timeout_ms: number
  key: string | null
  created_at: Date
  run_at: Date
  schedule: string | null
  scheduled_for: Date | null
}

function toClaimedTask(row: ClaimedRow): ClaimedTask {
  const { id, kind, name, queue, payload, attempt, key, schedule, scheduled_for: at } = row
  return {
    projectId: row.project_id,
    projectRef: row.ref,
    id,
    kind,
    name,
    queue,
    payload,
    attempt,
    maxAttempts: row.max_attempts,
    timeoutMs: row.timeout_ms,
    key,
    createdAt: row.created_at,
    runAt: row.run_at,
    schedule: schedule === null || at === null ? null : { name: schedule, at },
  }
}
