import type { TaskError } from './finish-tasks.ts'
import type { TaskDetail, TaskSummary } from './schemas.ts'
import type { TaskState } from './task.ts'

/** The columns that are shown. */
export const summaryColumns = `
  id, name, kind, state, queue, priority, key, attempt, max_attempts, timeout_ms, progress, error, schedule,
  scheduled_for, cancel_requested_at, created_at, run_at, started_at, finished_at`

export interface SummaryRow {
  id: string
  name: string
  kind: string
  state: TaskState
  queue: string
  priority: number
  key: string | null
  attempt: number
  max_attempts: number
  timeout_ms: number
  progress: unknown
  error: TaskError | null
  schedule: string | null
  scheduled_for: Date | null
  cancel_requested_at: Date | null
  created_at: Date
  run_at: Date
  started_at: Date | null
  finished_at: Date | null
}

export interface DetailRow extends SummaryRow {
  payload: unknown
  result: unknown
}

export function presentSummary(row: SummaryRow): TaskSummary {
  const { id, name, kind, state, queue, priority, key, attempt, progress, error, schedule } = row
  return {
    id,
    name,
    kind,
    state: state === 'ready' ? 'waiting' : state,
    queue,
    priority,
    key,
    attempt,
    maxAttempts: row.max_attempts,
    timeout: row.timeout_ms / 1000,
    progress,
    error,
    schedule:
      schedule === null || row.scheduled_for === null
        ? null
        : { name: schedule, at: row.scheduled_for.toISOString() },
    cancelRequested: row.cancel_requested_at !== null,
    createdAt: row.created_at.toISOString(),
    runAt: row.run_at.toISOString(),
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
  }
}

export function presentDetail(row: DetailRow): TaskDetail {
  return { ...presentSummary(row), payload: row.payload, result: row.result }
}
