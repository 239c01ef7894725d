import type { Schedule, TaskSummary } from '@basalt/client'
import { badge } from './elements.ts'

export const states = ['scheduled', 'waiting', 'running', 'succeeded', 'dead', 'cancelled'] as const

export interface TaskPage {
  tasks: TaskSummary[]
  nextCursor: string | null
}

const tones = {
  scheduled: 'plain',
  waiting: 'plain',
  running: 'good',
  succeeded: 'good',
  dead: 'bad',
  cancelled: 'plain',
} as const

export function stateBadge({ state, cancelRequested }: TaskSummary): HTMLElement {
  return badge(state === 'running' && cancelRequested ? 'being cancelled' : state, tones[state])
}

/** What a function declares changes with the version that it is in. */
export function isDeclared({ kind }: Schedule): boolean {
  return kind === 'function_schedule'
}
