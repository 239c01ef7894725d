import { api, Refused } from '../api.ts'
import { element, empty, link } from '../elements.ts'
import { choiceField, optionalField } from '../fields.ts'
import { form } from '../form.ts'
import { failure } from '../notices.ts'
import type { At, Place } from '../project-frame.ts'
import { show } from '../show-page.ts'
import { pager } from '../table.ts'
import { states, type TaskPage } from '../task-api.ts'
import { taskTable } from '../task-list.ts'
import { taskTabs } from '../task-tabs.ts'

const searchable = [
  ['name', 'Task is'],
  ['queue', 'Queue is'],
  ['taskKey', 'Key is'],
  ['schedule', 'Schedule is'],
] as const

const stateChoices = [['', 'Every state'], ...states.map((state) => [state, state] as const)] as const

/** What waits, runs and has ended; the address holds what is asked for. */
export async function tasksPage(place: Place, { query }: At): Promise<Node[]> {
  const path = `${place.console}/tasks`
  const found = await api<TaskPage>('GET', `${place.api}/tasks?${query.toString()}`).catch(refusal)
  const enqueue = link(`${path}/new`, 'Enqueue a task', 'button first')
  return [
    element('h1', {}, 'Tasks'),
    taskTabs(place, 'Tasks'),
    ...(place.may('developer') ? [element('div', { className: 'actions' }, enqueue)] : []),
    search(path, query),
    ...(found instanceof Refused ? [failure(found)] : list(place, path, query, found)),
  ]
}

function refusal(error: unknown): Refused {
  if (error instanceof Refused) return error
  throw error
}

function list(place: Place, path: string, query: URLSearchParams, { tasks, nextCursor }: TaskPage): Node[] {
  if (tasks.length > 0) return [taskTable(place, tasks, 'all'), ...pager(path, query, nextCursor)]
  if (query.size > 0)
    return [
      empty('No task is like that. Names, queues and keys are found as a whole.'),
      ...pager(path, query, null),
    ]
  return [
    empty(
      'No task yet. Functions with task(…) do work in the background: servers enqueue it, and so can you here.',
    ),
    element('pre', {}, `await basalt.tasks.enqueue('send-report', { to: 'ada' }, { delay: 60 })`),
  ]
}

function search(path: string, query: URLSearchParams): HTMLElement {
  const by = searchable.find(([key]) => query.has(key))?.[0] ?? 'name'
  const key = choiceField('Search by', 'by', searchable, by)
  const text = optionalField('Search for', 'text', { type: 'search', value: query.get(by) ?? '' })
  const asked = states.find((one) => one === query.get('state')) ?? ''
  const state = choiceField('State', 'state', stateChoices, asked)
  const submit = async (): Promise<void> => {
    const wanted = new URLSearchParams()
    const value = text.read()
    if (state.read() !== '') wanted.set('state', state.read())
    if (value !== undefined) wanted.set(key.read(), value)
    show(wanted.size === 0 ? path : `${path}?${wanted.toString()}`)
  }
  const made = form('Search', [key.row, text.row, state.row], submit, { className: 'search' })
  made.role = 'search'
  return made
}
