import type { TaskSummary } from '@basalt/client'
import { actionButton } from './action-button.ts'
import { api } from './api.ts'
import { type Child, element, link, time } from './elements.ts'
import { notice } from './notices.ts'
import type { Place } from './project-frame.ts'
import { showAgain } from './show-page.ts'
import { stateBadge } from './task-api.ts'
import { type Column, table } from './table.ts'

/** Tasks as rows; those that are dead say why, and can be begun anew. */
export function taskTable(place: Place, tasks: readonly TaskSummary[], kind: 'all' | 'dead'): HTMLElement {
  const columns: Column<TaskSummary>[] = [
    { label: 'Task', cell: (task) => nameOf(place, task) },
    ...(kind === 'all' ? [{ label: 'State', cell: (task: TaskSummary): Child => stateBadge(task) }] : []),
    { label: 'Queue', cell: ({ queue }) => queue },
    { label: 'Attempt', cell: ({ attempt, maxAttempts }) => `${attempt} of ${maxAttempts}` },
    ...(kind === 'all' ? [{ label: 'When', cell: (task: TaskSummary): Child => when(task) }] : []),
    { label: kind === 'all' ? 'Last error' : 'Why', cell: ({ error }) => why(error) },
    ...(kind === 'dead'
      ? [{ label: 'Since', cell: ({ finishedAt }: TaskSummary): Child => time(finishedAt) }]
      : []),
  ]
  const retry = { label: '', cell: (task: TaskSummary) => retryButton(place, task) }
  const withRetry = kind === 'dead' && place.may('developer')
  return table('Tasks', withRetry ? [...columns, retry] : columns, tasks)
}

function nameOf(place: Place, { id, name, key }: TaskSummary): HTMLElement {
  const made = link(`${place.console}/tasks/${encodeURIComponent(id)}`, name)
  made.title = id
  return element(
    'span',
    {},
    made,
    ...(key === null ? [] : [element('br'), element('span', { className: 'hint' }, key)]),
  )
}

function when({ state, runAt, startedAt, finishedAt }: TaskSummary): Child {
  const isToCome = state === 'scheduled' || state === 'waiting'
  return time(isToCome ? runAt : (finishedAt ?? startedAt))
}

function why(error: TaskSummary['error']): Child {
  if (error === null) return ''
  return element('span', { className: 'why', title: `${error.code}: ${error.message}` }, error.message)
}

export async function retryTask(place: Place, id: string): Promise<void> {
  await api('POST', `${place.api}/tasks/${encodeURIComponent(id)}/retry`)
}

function retryButton(place: Place, { id, name }: TaskSummary): HTMLElement {
  return actionButton('Retry', async () => {
    await retryTask(place, id)
    showAgain(notice(`${name} begins anew.`))
  })
}
