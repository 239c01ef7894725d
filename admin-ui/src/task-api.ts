import { badge } from './elements.ts'

export const states = ['scheduled', 'waiting', 'running', 'succeeded', 'dead', 'cancelled'] as const

export interface Task {
  id: string
  name: string
  kind: string
  state: (typeof states)[number]
  queue: string
  priority: number
  key: string | null
  attempt: number
  maxAttempts: number
  /** Seconds. */
  timeout: number
  progress: unknown
  error: { code: string; message: string; at: string } | null
  schedule: { name: string; at: string } | null
  cancelRequested: boolean
  createdAt: string
  runAt: string
  startedAt: string | null
  finishedAt: string | null
}

export interface TaskDetail extends Task {
  payload: unknown
  result: unknown
}

export interface TaskPage {
  tasks: Task[]
  nextCursor: string | null
}

export interface Queue {
  name: string
  /** Null: as many as the project may run. */
  concurrency: number | null
  paused: boolean
}

export interface Schedule {
  name: string
  /** `function_schedule` for those that a function declares. */
  kind: string
  cron: string
  timeZone: string
  task: ScheduledTask
  catchUp: 'skip' | 'once' | 'all'
  paused: boolean
  nextRunAt: string | null
  lastRunAt: string | null
}

export interface ScheduledTask {
  name: string
  payload?: unknown
  queue?: string
  priority?: number
  maxAttempts?: number
  timeout?: number
}

const tones = {
  scheduled: 'plain',
  waiting: 'plain',
  running: 'good',
  succeeded: 'good',
  dead: 'bad',
  cancelled: 'plain',
} as const

export function stateBadge({ state, cancelRequested }: Task): HTMLElement {
  return badge(state === 'running' && cancelRequested ? 'being cancelled' : state, tones[state])
}

/** What a function declares changes with the version that it is in. */
export function isDeclared({ kind }: Schedule): boolean {
  return kind === 'function_schedule'
}
