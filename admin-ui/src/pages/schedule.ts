import type { Schedule } from '@basalt/client'
import { actionButton } from '../action-button.ts'
import { api, Refused } from '../api.ts'
import { ask } from '../ask.ts'
import { element, facts, link, time } from '../elements.ts'
import { choiceField, suggestedField, switchField, textField } from '../fields.ts'
import { form } from '../form.ts'
import { notice } from '../notices.ts'
import { type At, lookOnly, type Place } from '../project-frame.ts'
import { show } from '../show-page.ts'
import { isDeclared } from '../task-api.ts'
import { furtherFields, readTaskNames, taskFields } from '../task-fields.ts'

const catchUps = [
  ['skip', 'Leave them out'],
  ['once', 'One task makes up for all'],
  ['all', 'A task for each, the newest hundred at most'],
] as const

export async function newSchedulePage(place: Place): Promise<Node[]> {
  return [
    link(`${place.console}/tasks/schedules`, '← Schedules'),
    element('h1', {}, 'New schedule'),
    ...lookOnly(place),
    editor(place, undefined, await readTaskNames(place)),
  ]
}

/** A schedule, to be changed unless a function declares it. */
export async function schedulePage(place: Place, { params }: At): Promise<Node[]> {
  const path = `${place.api}/tasks/schedules/${encodeURIComponent(params['name'] ?? '')}`
  const [schedule, names] = await Promise.all([api<Schedule>('GET', path), readTaskNames(place)])
  const { name, nextRunAt, lastRunAt, paused, cron, timeZone } = schedule
  const runs = link(`${place.console}/tasks?schedule=${encodeURIComponent(name)}`, 'Its tasks', 'button')
  const declared = isDeclared(schedule)
  const mayChange = place.may('developer') && !declared
  return [
    link(`${place.console}/tasks/schedules`, '← Schedules'),
    element('h1', {}, name),
    ...lookOnly(place),
    ...(declared ? [declaredBy(place, schedule)] : []),
    facts(
      ['Next', paused ? 'paused' : time(nextRunAt)],
      ['Last', time(lastRunAt)],
      ['Cron', element('code', {}, cron)],
      ['Time zone', timeZone],
    ),
    element('div', { className: 'actions' }, runs, ...(mayChange ? [deleteButton(place, name)] : [])),
    ...(declared ? [] : [element('h2', {}, 'Settings'), editor(place, schedule, names)]),
  ]
}

function declaredBy(place: Place, { task }: Schedule): HTMLElement {
  const of = link(`${place.console}/functions/${encodeURIComponent(task.name)}`, task.name)
  return element(
    'p',
    { className: 'card' },
    'The function ',
    of,
    ' declares it: it changes with the next version of the function.',
  )
}

function editor(place: Place, schedule: Schedule | undefined, names: readonly string[]): HTMLElement {
  const name = textField('Name', 'name', {
    value: schedule?.name ?? '',
    pattern: '[A-Za-z0-9_][A-Za-z0-9_.:\\-]{0,63}',
    title: 'Letters, digits, _ . : and -',
    hint: 'Letters, digits, _ . : and -.',
  })
  const cron = textField('Cron', 'cron', {
    value: schedule?.cron ?? '',
    placeholder: '0 8 * * 1-5',
    hint: 'Minute, hour, day of month, month, day of week: 0 8 * * 1-5 is at eight on working days.',
  })
  const timeZone = suggestedField('Time zone', 'timeZone', ['UTC', ...Intl.supportedValuesOf('timeZone')], {
    value: schedule?.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    autocomplete: 'off',
  })
  const catchUp = choiceField(
    'Times that passed while no server ran',
    'catchUp',
    catchUps,
    schedule?.catchUp ?? 'skip',
  )
  const paused = switchField('Paused', 'paused', schedule?.paused ?? false)
  const task = taskFields(names, schedule?.task ?? {}, 'task.')
  const submit = async (): Promise<void> => {
    const wanted = name.read()
    if (schedule === undefined) await requireFree(place, wanted)
    await api('PUT', `${place.api}/tasks/schedules/${encodeURIComponent(wanted)}`, {
      cron: cron.read(),
      timeZone: timeZone.read(),
      catchUp: catchUp.read(),
      paused: paused.read(),
      task: task.read(),
    })
    show(`${place.console}/tasks/schedules/${encodeURIComponent(wanted)}`, [notice(`${wanted} is saved.`)])
  }
  const named = schedule === undefined ? [name.row] : []
  const rows = [...named, cron.row, timeZone.row, ...task.first, catchUp.row, paused.row]
  const isOpen = Object.keys(schedule?.task ?? {}).some((key) => key !== 'name' && key !== 'payload')
  return form('Save schedule', [...rows, furtherFields(task.further, isOpen)], submit, {
    locked: !place.may('developer'),
  })
}

/** To save one is to replace it, which nobody expects of a new one. */
async function requireFree(place: Place, name: string): Promise<void> {
  const found = await api('GET', `${place.api}/tasks/schedules/${encodeURIComponent(name)}`).catch(
    (error: unknown) => {
      if (error instanceof Refused && error.code === 'not_found') return undefined
      throw error
    },
  )
  if (found !== undefined) throw new Refused('There is one already.', [{ path: 'name', message: 'is taken' }])
}

function deleteButton(place: Place, name: string): HTMLElement {
  return actionButton('Delete', async () => {
    const text = 'It enqueues nothing any more. Tasks that it has enqueued stay.'
    if (!(await ask(`Delete the schedule ${name}?`, text, 'Delete'))) return
    await api('DELETE', `${place.api}/tasks/schedules/${encodeURIComponent(name)}`)
    show(`${place.console}/tasks/schedules`, [notice(`${name} is deleted.`)])
  })
}
