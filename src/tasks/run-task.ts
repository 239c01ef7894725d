import { isDeeperThan } from '../platform/json-depth.ts'
import type { Logger } from '../platform/logging.ts'
import type { Project } from '../projects/project.ts'
import type { ClaimedTask } from './claim-tasks.ts'
import type { Outcome, TaskError } from './finish-tasks.ts'
import { retryDelayMs } from './retry-delay.ts'
import { TaskFailure, type TaskHandler, type TaskRun } from './task.ts'

/** Why a run is told to end before it has. */
export type AbortReason = 'timeout' | 'cancelled' | 'project_deleted' | 'stopping' | 'lost'

export interface RunContext {
  project: Project
  handler: TaskHandler | undefined
  /** Aborted with an `AbortReason`; the time limit aborts it too. */
  abort: AbortController
  progress: TaskRun['progress']
  log: Logger
}

/** A handler that was told to end has so long to do so; then it is left alone, and its outcome counts for nothing. */
const graceMs = 5_000
const maxResultBytes = 262_144
const maxResultDepth = 100
const maxMessageLength = 2_000

/** Runs one attempt. Never throws: whatever happens is an outcome. */
export async function runTask(task: ClaimedTask, context: RunContext): Promise<Outcome> {
  const { abort, log } = context
  const timer = setTimeout(() => abort.abort('timeout' satisfies AbortReason), task.timeoutMs)
  try {
    const value = await Promise.race([callHandler(task, context), untilGivenUp(abort.signal)])
    return { state: 'succeeded', result: toResult(value) }
  } catch (error) {
    return toOutcome(task, error, abort.signal, log)
  } finally {
    clearTimeout(timer)
  }
}

async function callHandler(task: ClaimedTask, context: RunContext): Promise<unknown> {
  const { handler, project, abort, progress, log } = context
  if (handler === undefined) {
    throw new TaskFailure('no_handler', `This server has nothing that runs tasks of the kind ${task.kind}.`)
  }
  const { projectId: _id, projectRef: _ref, ...running } = task
  return handler({ project, task: running, signal: abort.signal, progress, log })
}

/** Rejects when a signal was given and its time of grace is over. */
function untilGivenUp(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const giveUp = (): void => {
      setTimeout(() => reject(new Error('it did not end when it was told to')), graceMs).unref()
    }
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  })
}

function toResult(value: unknown): string | undefined {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw new TaskFailure('invalid_result', 'The result is not JSON.', { isPermanent: true, cause: error })
  }
  if (text === undefined) return undefined
  if (Buffer.byteLength(text) > maxResultBytes || isDeeperThan(text, maxResultDepth)) {
    throw new TaskFailure('result_too_large', 'The result is larger than 256 KiB, or nested too deep.', {
      isPermanent: true,
    })
  }
  return text
}

function toOutcome(task: ClaimedTask, error: unknown, signal: AbortSignal, log: Logger): Outcome {
  const reason = signal.aborted ? (signal.reason as AbortReason) : undefined
  switch (reason) {
    case 'stopping':
      return { state: 'waiting' }
    case 'cancelled':
      return { state: 'cancelled', error: toError('cancelled', 'It was cancelled while it ran.') }
    case 'project_deleted':
    case 'lost':
      return { state: 'cancelled', error: toError(reason, 'It was given up.') }
    case 'timeout':
      return failed(task, new TaskFailure('timeout', `It ran longer than ${task.timeoutMs / 1000} s.`))
    case undefined:
      if (!(error instanceof TaskFailure)) log.error({ err: error }, 'a task failed')
      return failed(
        task,
        error instanceof TaskFailure
          ? error
          : new TaskFailure('internal', 'Something went wrong on our side.', { cause: error }),
      )
  }
}

function failed(task: ClaimedTask, failure: TaskFailure): Outcome {
  const error = toError(failure.code, failure.message)
  if (failure.isPutOff) {
    return { state: 'scheduled', runAt: new Date(Date.now() + putOffMs(failure)), error, isCounted: false }
  }
  if (failure.isPermanent || task.attempt >= task.maxAttempts) return { state: 'dead', error }
  const delay = failure.retryAfterMs ?? retryDelayMs(task.attempt)
  return { state: 'scheduled', runAt: new Date(Date.now() + delay), error, isCounted: true }
}

/** Of what waits for the same room not everything comes back at once. */
function putOffMs({ retryAfterMs = 1_000 }: TaskFailure): number {
  return Math.round(retryAfterMs * (0.5 + Math.random()))
}

function toError(code: string, message: string): TaskError {
  return {
    code: storable(code, 64),
    message: storable(message, maxMessageLength),
    at: new Date().toISOString(),
  }
}

/** NUL and halves of surrogate pairs are not for PostgreSQL. */
function storable(text: string, maxLength: number): string {
  return text.replaceAll('\0', '').slice(0, maxLength).toWellFormed()
}
