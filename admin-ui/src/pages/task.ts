import type { Task } from '@basalt/client'
import { actionButton } from '../action-button.ts'
import { milliseconds } from '../amounts.ts'
import { api } from '../api.ts'
import { ask } from '../ask.ts'
import { type Child, element, facts, link, time } from '../elements.ts'
import { type FunctionInfo, readFunctions } from '../function-api.ts'
import { notice } from '../notices.ts'
import { type At, lookOnly, type Place } from '../project-frame.ts'
import { showAgain } from '../show-page.ts'
import { stateBadge } from '../task-api.ts'
import { retryTask } from '../task-list.ts'

const lookAgainMs = 2_000

/** A task, which is looked at again and again until it has ended. */
export async function taskPage(place: Place, { params }: At): Promise<Node[]> {
  const path = `${place.api}/tasks/${encodeURIComponent(params['id'] ?? '')}`
  const [first, { functions }] = await Promise.all([api<Task>('GET', path), readFunctions(place)])
  const body = element('div', { className: 'outcome' }, ...detail(place, first, functions))
  watch(body, first, async () => {
    const task = await api<Task>('GET', path)
    return { task, nodes: detail(place, task, functions) }
  })
  return [link(`${place.console}/tasks`, '← Tasks'), element('h1', {}, first.name), ...lookOnly(place), body]
}

/** Draws only what has changed: whoever reads or presses something is not disturbed. */
function watch(body: HTMLElement, first: Task, look: () => Promise<{ task: Task; nodes: Node[] }>): void {
  let known = first
  const again = async (): Promise<void> => {
    if (!body.isConnected) return
    // A server that is not there for a moment is asked again.
    const found = await look().catch(() => undefined)
    if (found !== undefined && body.isConnected && JSON.stringify(found.task) !== JSON.stringify(known)) {
      known = found.task
      body.replaceChildren(...found.nodes)
    }
    if (!hasEnded(known)) setTimeout(() => void again(), lookAgainMs)
  }
  if (!hasEnded(first)) setTimeout(() => void again(), lookAgainMs)
}

function hasEnded({ state }: Task): boolean {
  return state === 'succeeded' || state === 'dead' || state === 'cancelled'
}

function detail(place: Place, task: Task, functions: readonly FunctionInfo[]): Node[] {
  const { id, attempt, maxAttempts, queue, priority, key, timeout, schedule, startedAt, finishedAt } = task
  const took =
    startedAt === null || finishedAt === null
      ? undefined
      : milliseconds(Date.parse(finishedAt) - Date.parse(startedAt))
  const optional: [string, Child | undefined][] = [
    ['Key', key ?? undefined],
    ['Schedule', schedule === null ? undefined : scheduleOf(place, schedule)],
    ['Started', startedAt === null ? undefined : time(startedAt)],
    ['Ended', finishedAt === null ? undefined : time(finishedAt)],
    ['Last attempt took', took],
  ]
  return [
    facts(
      ['State', stateBadge(task)],
      ['Attempt', `${attempt} of ${maxAttempts}`],
      ['Queue', queue],
      ['Priority', String(priority)],
      ['Time limit', `${timeout}\u00a0s`],
      ['Enqueued', time(task.createdAt)],
      ['May start', time(task.runAt)],
      ...optional.flatMap(([term, value]): [string, Child][] => (value === undefined ? [] : [[term, value]])),
      ['Id', element('code', {}, id)],
    ),
    ...errorOf(task),
    actions(place, task, functions),
    ...json('Progress', task.progress),
    ...json('Result', task.result),
    ...json('Payload', task.payload),
  ]
}

function scheduleOf(place: Place, { name, at }: { name: string; at: string }): HTMLElement {
  const made = link(`${place.console}/tasks/schedules/${encodeURIComponent(name)}`, name)
  return element('span', {}, made, ', for ', time(at))
}

function errorOf({ error, state, attempt }: Task): Node[] {
  if (error === null) return []
  const when = state === 'dead' ? 'The last attempt failed' : `An attempt failed (of ${attempt} so far)`
  const said = element('p', { className: 'said' }, error.message, ' ', element('code', {}, error.code))
  return [
    element('div', { className: 'card notice bad' }, element('strong', {}, when, ' ', time(error.at)), said),
  ]
}

function json(title: string, value: unknown): Node[] {
  if (value === null || value === undefined) return []
  return [element('h2', {}, title), element('pre', { className: 'wrap' }, JSON.stringify(value, null, 2))]
}

function actions(place: Place, task: Task, functions: readonly FunctionInfo[]): HTMLElement {
  const runner = runnerOf(task, functions)
  const logs =
    runner === undefined ? [] : [link(`${place.console}/functions/${runner}`, `Logs of ${runner}`, 'button')]
  return element(
    'div',
    { className: 'actions' },
    ...(place.may('developer') ? changes(place, task) : []),
    ...logs,
  )
}

/** The function that runs it, in the active version. */
function runnerOf({ kind, name }: Task, functions: readonly FunctionInfo[]): string | undefined {
  const isIt = (one: FunctionInfo): boolean => (kind === 'function' ? one.task === name : one.name === name)
  return functions.find(isIt)?.name
}

function changes(place: Place, task: Task): Node[] {
  const { id, name, state, cancelRequested } = task
  const retry = actionButton('Retry', async () => {
    await retryTask(place, id)
    showAgain(notice('It begins anew, with all its attempts.'))
  })
  const cancel = actionButton('Cancel the task', async () => {
    const text =
      state === 'running'
        ? 'It is told to end, on whichever server it runs, and counts as cancelled if it does.'
        : 'It does not start. You can retry it later.'
    if (!(await ask(`Cancel ${name}?`, text, 'Cancel the task'))) return
    await api('POST', `${place.api}/tasks/${encodeURIComponent(id)}/cancel`)
    showAgain(notice(state === 'running' ? 'It is told to end.' : 'It is cancelled.'))
  })
  if (state === 'dead' || state === 'cancelled') return [retry]
  return state === 'succeeded' || cancelRequested ? [] : [cancel]
}
