import type { Logger } from '../platform/logging.ts'
import type { Project } from '../projects/project.ts'

/**
 * scheduled → waiting → ready → running → succeeded, dead or cancelled. A failed attempt leads back to scheduled.
 * `ready` is with the worker already; to callers it is still waiting.
 */
export type TaskState = 'scheduled' | 'waiting' | 'ready' | 'running' | 'succeeded' | 'dead' | 'cancelled'

/** What callers see of them. */
export const shownStates = ['scheduled', 'waiting', 'running', 'succeeded', 'dead', 'cancelled'] as const

export type ShownState = (typeof shownStates)[number]

/** What somebody wants done. */
export interface NewTask {
  /** Who runs it: the handler that was registered for this kind. */
  kind: string
  /** What it is called, in lists and for its handler. For the kind `function`, the function. */
  name: string
  /** JSON. */
  payload?: unknown
  /** Default: a new one. Hooks that must know it before the write say it themselves (`newId()`). */
  id?: string
  /** Default: at once. */
  runAt?: Date
  /** Default: `default`. A queue comes into being with its first task. */
  queue?: string
  /** −100 to 100, the higher the sooner, among the tasks of the project. Default 0. */
  priority?: number
  /** 1 to 100. Default 10. */
  maxAttempts?: number
  /** How long one attempt may take. Default 5 minutes, at most 6 hours. */
  timeoutMs?: number
  /** Until a task has started no other with its key is made: see `replaces`. */
  key?: string
  /** Whether a task that waits with this key takes on what this one says, instead of staying as it is. */
  replaces?: boolean
  /** The schedule that asks for it, and for when. */
  schedule?: { name: string; at: Date }
}

export const taskDefaults = { maxAttempts: 10, timeoutMs: 300_000 } as const

/** What a handler is told of its task. */
export interface RunningTask {
  /** The same on each attempt: effects can be made once by it. */
  id: string
  kind: string
  name: string
  queue: string
  payload: unknown
  /** From 1. */
  attempt: number
  maxAttempts: number
  timeoutMs: number
  key: string | null
  createdAt: Date
  /** When it was due. */
  runAt: Date
  schedule: { name: string; at: Date } | null
}

export interface TaskRun {
  project: Project
  task: RunningTask
  /** Aborted when the task is cancelled, is out of time, its project is deleted, or the server stops. */
  signal: AbortSignal
  /** What callers see of how far it is: JSON of up to 4 KiB. Stored now and then; the last value counts. */
  progress(value: unknown): void
  log: Logger
}

/**
 * Runs a task. What it returns is the task's result: JSON of up to 256 KiB, or nothing. If it throws, the task is tried
 * again later; see `TaskFailure`.
 */
export type TaskHandler = (run: TaskRun) => unknown

/**
 * A failure that handlers may speak of: code and message are kept and shown. Of any other error callers hear that it
 * was internal, and the log hears the rest.
 */
export class TaskFailure extends Error {
  override readonly name = 'TaskFailure'
  readonly code: string
  /** Trying again would not help: the task is dead at once. */
  readonly isPermanent: boolean
  /** There was no room to begin it: the attempt doesn't count, and the task waits for the next. */
  readonly isPutOff: boolean
  /** Instead of the usual wait. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: string,
    message: string,
    options: { isPermanent?: boolean; isPutOff?: boolean; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.code = code
    this.isPermanent = options.isPermanent ?? false
    this.isPutOff = options.isPutOff ?? false
    this.retryAfterMs = options.retryAfterMs
  }
}
