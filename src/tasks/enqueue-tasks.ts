import { type Queryable, sqlState } from '../platform/database.ts'
import { ApiError, invalidValue } from '../platform/errors.ts'
import { newId } from '../platform/ids.ts'
import type { ControlPlaneTransaction } from '../platform/prisma.ts'
import { maxQueues } from './errors.ts'
import { type NewTask, taskDefaults } from './task.ts'

/**
 * What `basalt.enqueue_tasks` takes for one task: JSON, for an array of such as its parameter. Throws 400 for text that
 * PostgreSQL can't hold.
 */
export function taskToJson(task: NewTask, once?: { idempotency: string; fingerprint: string }): string {
  const { id = newId(), kind, name, payload, runAt, queue, priority, key, replaces, schedule } = task
  const text = JSON.stringify({
    id,
    kind,
    name,
    payload,
    run_at: runAt,
    queue,
    priority,
    max_attempts: task.maxAttempts ?? taskDefaults.maxAttempts,
    timeout_ms: task.timeoutMs ?? taskDefaults.timeoutMs,
    key,
    replaces,
    schedule: schedule?.name,
    scheduled_for: schedule?.at,
    ...once,
  })
  requireStorable(text, 'payload')
  return text
}

// An escape whose backslash is not itself escaped: NUL, or half of a surrogate pair, which nothing but an escape can say.
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

/** Throws 400 for JSON text (of `JSON.stringify`) with characters that PostgreSQL can't hold. */
export function requireStorable(json: string, path: string): void {
  if (!json.includes('\\u') || !unstorable.test(json)) return
  throw invalidValue(path, 'holds a NUL character or half of a surrogate pair', 'invalid_text')
}

/** Which task stands for one that was enqueued: it, or the one whose key or Idempotency-Key it had. */
export interface Standing {
  id: string
  /** Of the request that made it, where that had an Idempotency-Key. */
  fingerprint: string | null
}

/**
 * Enqueues tasks of a project in the caller's transaction, in one statement; answers in their order. They start after
 * its COMMIT: call `tasks.wake(project)` then, or they are found within a second.
 *
 * @param tasks as `taskToJson` makes them
 */
export async function enqueueJson(tx: Queryable, projectId: string, tasks: string[]): Promise<Standing[]> {
  if (tasks.length === 0) return []
  try {
    const { rows } = await tx.query<{ task_id: string; standing_id: string; fingerprint: string | null }>({
      name: 'enqueue tasks',
      text: 'SELECT task_id, standing_id, fingerprint FROM basalt.enqueue_tasks($1, $2::json)',
      values: [projectId, `[${tasks.join(',')}]`],
    })
    return rows.map((row) => ({ id: row.standing_id, fingerprint: row.fingerprint }))
  } catch (error) {
    if (sqlState(error) !== '54000') throw error
    throw new ApiError('quota_exceeded', `A project has at most ${maxQueues} queues of tasks.`, {
      cause: error,
    })
  }
}

/** The same in a transaction of the control plane, for tasks without a queue or key of their own. */
export async function enqueueInControl(
  tx: ControlPlaneTransaction,
  projectId: string,
  tasks: string[],
): Promise<void> {
  if (tasks.length === 0) return
  await tx.$queryRaw`SELECT task_id FROM basalt.enqueue_tasks(${projectId}, ${`[${tasks.join(',')}]`}::json)`
}
