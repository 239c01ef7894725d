import { createHash, randomBytes } from 'node:crypto'
import { inTransaction } from '../../platform/database.ts'
import { invalidValue, payloadTooLarge } from '../../platform/errors.ts'
import { type Actor, actorLabel } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { Json } from '../../query/json.ts'
import { enqueueJson, taskToJson } from '../../tasks/enqueue-tasks.ts'
import { idempotencyConflict } from '../../tasks/errors.ts'
import { callChain, maxDepth, noteBrokenChain } from '../calls/call-chain.ts'
import { chainTooDeep } from '../errors.ts'
import type { Functions } from '../functions.ts'
import type { Subscriber } from './subscribers.ts'

/** The kind of the tasks that tell a function of a message. */
export const messageKind = 'topic_message'

/** What such a task carries. */
export interface MessagePayload {
  topic: string
  data: Json
  depth: number
}

export interface Published {
  /** Of the message; its tasks are named by it and the function. */
  id: string
  /** How many functions hear of it. */
  subscribers: number
}

const maxIdempotencyKey = 255
const messageTimeoutMs = 60_000
// 88 bits, which are 15 characters: with a function's name behind them they fit to be a document's id.
const idBytes = 11

/**
 * Enqueues a task for each function that hears of the message, all or none; answers after COMMIT. Repeated with the
 * same key it is the same message. Throws 413, 429 for a full line, 409 for a chain of functions without end.
 */
export async function publishMessage(
  functions: Functions,
  { project, actor }: { project: Project; actor: Actor },
  { topic, data }: { topic: string; data: Json },
  idempotencyKey: string | string[] | undefined,
): Promise<Published> {
  const { services, tasks, versions } = functions
  const { topicMessageBytes } = services.config.limits
  if (Buffer.byteLength(JSON.stringify(data)) > topicMessageBytes) {
    throw payloadTooLarge(`A message holds at most ${topicMessageBytes} bytes of JSON.`)
  }
  const id = messageId(actor, topic, idempotencyKey)
  const release = await versions.of(project)
  const hearing = release?.active.subscribers.filter((subscriber) => subscriber.hears(topic, data)) ?? []
  if (release === null || hearing.length === 0) return { id, subscribers: 0 }
  const depth = callChain.getStore()?.depth ?? 0
  if (depth > maxDepth) {
    for (const { entry } of hearing) noteBrokenChain(functions.logs, project, release, entry.name, 'message')
    throw chainTooDeep(depth)
  }
  const fingerprint = idempotencyKey === undefined ? undefined : sha256([topic, data]).toString('base64url')
  const payload: MessagePayload = { topic, data, depth }
  const json = hearing.map((subscriber) => toTask(id, subscriber, payload, fingerprint))
  await tasks.checkQuota(project.id, json.length)
  await inTransaction(services.db, async (tx) => {
    const standing = await enqueueJson(tx, project.id, json)
    if (standing.some((one) => one.fingerprint !== null && one.fingerprint !== fingerprint)) {
      throw idempotencyConflict()
    }
  })
  tasks.wake(project)
  return { id, subscribers: hearing.length }
}

/** With a key it follows from it, so that a message that is published again finds its tasks there. */
function messageId(actor: Actor, topic: string, key: string | string[] | undefined): string {
  if (key === undefined) return randomBytes(idBytes).toString('base64url')
  if (typeof key !== 'string' || key.length === 0 || key.length > maxIdempotencyKey) {
    throw invalidValue('Idempotency-Key', `must have 1 to ${maxIdempotencyKey} characters`, 'invalid_header')
  }
  return sha256([actorLabel(actor), topic, key])
    .subarray(0, idBytes)
    .toString('base64url')
}

function toTask(
  messageId: string,
  { entry: { name, settings } }: Subscriber,
  payload: MessagePayload,
  fingerprint: string | undefined,
): string {
  const id = `${messageId}-${name}`
  const { maxAttempts, timeout = messageTimeoutMs } = settings
  return taskToJson(
    {
      id,
      kind: messageKind,
      name,
      payload,
      timeoutMs: timeout,
      ...(maxAttempts !== undefined && { maxAttempts }),
    },
    fingerprint === undefined ? undefined : { idempotency: id, fingerprint },
  )
}

function sha256(value: unknown): Buffer {
  return createHash('sha256').update(JSON.stringify(value)).digest()
}
