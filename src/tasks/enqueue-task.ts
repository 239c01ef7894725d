import { createHash } from 'node:crypto'
import { withConnection } from '../platform/database.ts'
import { invalidValue, payloadTooLarge } from '../platform/errors.ts'
import { type Actor, actorLabel } from '../projects/actor.ts'
import type { Project } from '../projects/project.ts'
import { enqueueJson, taskToJson } from './enqueue-tasks.ts'
import { idempotencyConflict } from './errors.ts'
import type { NewTaskBody } from './schemas.ts'
import type { NewTask } from './task.ts'
import type { Tasks } from './tasks.ts'

/** What tasks that come through the API are: functions of the project. */
const functionKind = 'function'
const maxIdempotencyKey = 255
const maxAhead = 5 * 365 * 86_400_000

/** Enqueues what a request asks for; answers the id of the task that stands for it, after COMMIT. */
export async function enqueueTask(
  tasks: Tasks,
  { project, actor }: { project: Project; actor: Actor },
  body: NewTaskBody,
  idempotencyKey: string | string[] | undefined,
): Promise<string> {
  const { db, config } = tasks.services
  const queue = body.queue ?? (await tasks.queueFor(project, body.name))
  const task = toNewTask({ ...body, ...(queue !== undefined && { queue }) })
  const payloadBytes = Buffer.byteLength(JSON.stringify(body.payload ?? null))
  if (payloadBytes > config.limits.taskPayloadBytes) {
    throw payloadTooLarge(`A task's payload holds at most ${config.limits.taskPayloadBytes} bytes of JSON.`)
  }
  const once = onceOnly(actor, idempotencyKey, body)
  const json = taskToJson(task, once)
  await tasks.checkQuota(project.id, 1)
  const [standing] = await withConnection(db, (connection) => enqueueJson(connection, project.id, [json]))
  if (standing === undefined) throw new Error('a task was enqueued, and nothing came back')
  if (standing.fingerprint !== null && standing.fingerprint !== once?.fingerprint) throw idempotencyConflict()
  tasks.wake(project)
  return standing.id
}

/** What callers say, in the words of the inside. Throws 400. */
function toNewTask(body: NewTaskBody): NewTask {
  const { name, payload, queue, priority, maxAttempts, timeout, key, onKeyConflict } = body
  const runAt = startTime(body)
  if (onKeyConflict !== undefined && key === undefined) {
    throw invalidValue('onKeyConflict', 'says nothing without a key', 'not_allowed')
  }
  return {
    kind: functionKind,
    name,
    payload: payload ?? null,
    ...(runAt !== undefined && { runAt }),
    ...(queue !== undefined && { queue }),
    ...(priority !== undefined && { priority }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(timeout !== undefined && { timeoutMs: timeout * 1000 }),
    ...(key !== undefined && { key, replaces: onKeyConflict === 'replace' }),
  }
}

/** Undefined: at once. The past is now. */
function startTime({ runAt, delay }: NewTaskBody): Date | undefined {
  if (runAt !== undefined && delay !== undefined) {
    throw invalidValue('delay', 'can not be given beside runAt', 'not_allowed')
  }
  if (delay !== undefined) return delay > 0 ? new Date(Date.now() + delay * 1000) : undefined
  if (runAt === undefined) return undefined
  const at = new Date(runAt)
  if (Number.isNaN(at.getTime())) throw invalidValue('runAt', 'is not a time')
  if (at.getTime() > Date.now() + maxAhead)
    throw invalidValue('runAt', 'is more than five years ahead', 'maximum')
  return at.getTime() > Date.now() ? at : undefined
}

function onceOnly(
  actor: Actor,
  key: string | string[] | undefined,
  body: NewTaskBody,
): { idempotency: string; fingerprint: string } | undefined {
  if (key === undefined) return undefined
  if (typeof key !== 'string' || key.length === 0 || key.length > maxIdempotencyKey) {
    throw invalidValue('Idempotency-Key', `must have 1 to ${maxIdempotencyKey} characters`, 'invalid_header')
  }
  return { idempotency: sha256([actorLabel(actor), key]), fingerprint: sha256(body) }
}

function sha256(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url')
}
