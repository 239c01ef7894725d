import type { TaskQueue } from '@basalt/client'
import { actionButton } from '../action-button.ts'
import { api } from '../api.ts'
import { ask } from '../ask.ts'
import { badge, element, empty, link } from '../elements.ts'
import { optionalField, suggestedField, switchField } from '../fields.ts'
import { form } from '../form.ts'
import { notice } from '../notices.ts'
import { lookOnly, type Place } from '../project-frame.ts'
import { showAgain } from '../show-page.ts'
import { table } from '../table.ts'
import { taskTabs } from '../task-tabs.ts'

/** How many tasks of each queue run at once, and which of them stand still. */
export async function queuesPage(place: Place): Promise<Node[]> {
  const { queues } = await api<{ queues: TaskQueue[] }>('GET', `${place.api}/tasks/queues`)
  const columns = [
    { label: 'Queue', cell: ({ name }: TaskQueue) => element('code', {}, name) },
    {
      label: 'At once',
      cell: ({ concurrency }: TaskQueue) => concurrency?.toLocaleString() ?? 'as many as the project',
    },
    {
      label: 'State',
      cell: ({ paused }: TaskQueue) => (paused ? badge('paused', 'bad') : badge('runs', 'good')),
    },
    { label: 'Tasks', cell: ({ name }: TaskQueue) => waiting(place, name) },
  ]
  const act = { label: '', cell: (queue: TaskQueue) => actions(place, queue) }
  const mayChange = place.may('developer')
  return [
    element('h1', {}, 'Tasks'),
    taskTabs(place, 'Queues'),
    ...lookOnly(place),
    ...(queues.length > 0
      ? [table('Queues', mayChange ? [...columns, act] : columns, queues)]
      : [empty('No queue yet. One comes into being with its first task, or by setting it up here.')]),
    ...(mayChange ? [element('h2', {}, 'Set up a queue'), setUp(place, queues)] : []),
  ]
}

function waiting(place: Place, name: string): HTMLElement {
  const of = (state: string): string =>
    `${place.console}/tasks?state=${state}&queue=${encodeURIComponent(name)}`
  return element('span', {}, link(of('waiting'), 'waiting'), ', ', link(of('running'), 'running'))
}

async function put(place: Place, { name, concurrency, paused }: TaskQueue): Promise<void> {
  await api('PUT', `${place.api}/tasks/queues/${encodeURIComponent(name)}`, { concurrency, paused })
}

function actions(place: Place, queue: TaskQueue): HTMLElement {
  const { name, paused } = queue
  const turn = actionButton(paused ? 'Resume' : 'Pause', async () => {
    await put(place, { ...queue, paused: !paused })
    showAgain(notice(paused ? `${name} runs again.` : `${name} starts no task any more; what runs goes on.`))
  })
  const remove = actionButton('Forget', async () => {
    const text = 'Its settings go. It comes back by itself with its next task, without them.'
    if (!(await ask(`Forget the queue ${name}?`, text, 'Forget'))) return
    await api('DELETE', `${place.api}/tasks/queues/${encodeURIComponent(name)}`)
    showAgain(notice(`${name} is forgotten.`))
  })
  return element('span', { className: 'buttons' }, turn, remove)
}

function setUp(place: Place, queues: readonly TaskQueue[]): HTMLElement {
  const names = queues.map((queue) => queue.name)
  const name = suggestedField('Queue', 'name', names, {
    pattern: '[A-Za-z0-9_][A-Za-z0-9_.:\\-]{0,63}',
    title: 'Letters, digits, _ . : and -',
    autocomplete: 'off',
    hint: 'One that is there already gets these settings.',
  })
  const concurrency = optionalField('Tasks at once', 'concurrency', {
    type: 'number',
    min: '1',
    max: '1000',
    hint: 'On all servers together. Empty: as many as the project may run.',
  })
  const paused = switchField('Paused', 'paused', false, 'It takes tasks, and starts none.')
  return form('Set up', [name.row, concurrency.row, paused.row], async () => {
    const atOnce = concurrency.read()
    await put(place, {
      name: name.read(),
      concurrency: atOnce === undefined ? null : Number(atOnce),
      paused: paused.read(),
    })
    showAgain(notice(`${name.read()} is set up.`))
  })
}
