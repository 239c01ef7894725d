import { ApiError } from '../platform/errors.ts'
import { TaskFailure, type TaskRun } from '../tasks/task.ts'
import { invokeFunction } from './calls/invoke-function.ts'
import type { FunctionEntry } from './deployments/function-entry.ts'
import { ownQueue, scheduleKind } from './deployments/sync-tasks.ts'
import type { Functions } from './functions.ts'
import { messageKind, type MessagePayload } from './topics/publish-message.ts'

/** Runs tasks that were enqueued by name, those of schedules that functions declare, and those of messages. */
export function runTasks(functions: Functions): void {
  functions.tasks.queueFor = async (project, name) => {
    const release = await functions.versions.of(project)
    const entry = [...(release?.active.entries.values() ?? [])].find(({ settings }) => settings.task === name)
    return entry === undefined ? undefined : ownQueue(entry)
  }
  functions.tasks.handle('function', (run) =>
    runAsTask(functions, run, ({ kind, settings }) => kind === 'task' && settings.task === run.task.name, {
      input: run.task.payload,
    }),
  )
  functions.tasks.handle(scheduleKind, (run) =>
    runAsTask(functions, run, ({ kind, name }) => kind === 'schedule' && name === run.task.name, {
      input: null,
    }),
  )
  functions.tasks.handle(messageKind, (run) => {
    const { topic, data, depth } = run.task.payload as MessagePayload
    return runAsTask(functions, run, ({ kind, name }) => kind === 'subscriber' && name === run.task.name, {
      input: { topic, data },
      depth,
    })
  })
}

/** Calls the function for a task. Throws a `TaskFailure`, permanent where trying again would not help. */
export async function runAsTask(
  functions: Functions,
  run: TaskRun,
  isIt: (entry: FunctionEntry) => boolean,
  { input, depth = 0 }: { input: unknown; depth?: number },
): Promise<unknown> {
  const { project, task, signal } = run
  const release = await functions.versions.of(project)
  const entry = [...(release?.active.entries.values() ?? [])].find(isIt)
  if (entry === undefined) {
    throw new TaskFailure('function_not_found', `No function of the active version runs ${task.name}.`)
  }
  try {
    return await invokeFunction(functions, project, entry.name, {
      kind: entry.kind,
      input,
      auth: { actor: null, token: null },
      event: { id: task.id, attempt: task.attempt, depth },
      deadlineMs: task.timeoutMs,
      progress: (value) => run.progress(value),
      signal,
    })
  } catch (error) {
    throw failureOf(error, task.attempt >= (entry.settings.maxAttempts ?? Number.POSITIVE_INFINITY))
  }
}

function failureOf(error: unknown, isLast: boolean): unknown {
  if (!(error instanceof ApiError)) return error
  const { code, message, retryAfterSeconds } = error
  return new TaskFailure(code, message, {
    // A refusal is an answer; the rest may go better next time.
    // Clients are told to come back; tasks wait for a place among the functions.
    isPutOff: code === 'rate_limited',
    isPermanent: isLast || code === 'rejected' || code === 'invalid_request',
    ...(retryAfterSeconds !== undefined && { retryAfterMs: retryAfterSeconds * 1000 }),
    cause: error,
  })
}
