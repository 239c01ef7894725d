import { api } from '../api.ts'
import { element, link } from '../elements.ts'
import { choiceField, optionalField, showWhile } from '../fields.ts'
import { form } from '../form.ts'
import { notice } from '../notices.ts'
import { type At, lookOnly, type Place } from '../project-frame.ts'
import { show } from '../show-page.ts'
import { furtherFields, readTaskNames, taskFields } from '../task-fields.ts'

const starts = [
  ['now', 'At once'],
  ['delay', 'After some seconds'],
  ['runAt', 'At a time'],
] as const

const conflicts = [
  ['keep', 'Leave the other as it is'],
  ['replace', 'Make the other what this one says'],
] as const

/** Enqueues a task by hand. */
export async function newTaskPage(place: Place, { query }: At): Promise<Node[]> {
  const name = query.get('name')
  const task = taskFields(await readTaskNames(place), name === null ? {} : { name })
  const start = choiceField('Starts', 'start', starts, 'now')
  const delay = optionalField('Seconds from now', 'delay', { type: 'number', min: '0', step: 'any' })
  const runAt = optionalField('Time', 'runAt', { type: 'datetime-local', hint: 'In your time zone.' })
  showWhile(start, (chosen) => chosen === 'delay', [delay])
  showWhile(start, (chosen) => chosen === 'runAt', [runAt])
  const key = optionalField('Key', 'key', {
    maxLength: 255,
    hint: 'While a task with this key has not started, no other one is made.',
  })
  const onKeyConflict = choiceField('If one with the key waits', 'onKeyConflict', conflicts, 'keep')
  showWhile(key, (value) => value !== undefined, [onKeyConflict])
  const submit = async (): Promise<void> => {
    const wanted = key.read()
    const seconds = delay.read()
    const at = runAt.read()
    const { id } = await api<{ id: string }>('POST', `${place.api}/tasks`, {
      ...task.read(),
      ...(start.read() === 'delay' && seconds !== undefined && { delay: Number(seconds) }),
      ...(start.read() === 'runAt' && at !== undefined && { runAt: new Date(at).toISOString() }),
      ...(wanted !== undefined && { key: wanted, onKeyConflict: onKeyConflict.read() }),
    })
    show(`${place.console}/tasks/${encodeURIComponent(id)}`, [notice('The task is enqueued.')])
  }
  const rows = [...task.first, start.row, delay.row, runAt.row]
  const more = furtherFields([key, onKeyConflict, ...task.further])
  return [
    link(`${place.console}/tasks`, '← Tasks'),
    element('h1', {}, 'Enqueue a task'),
    ...lookOnly(place),
    form('Enqueue', [...rows, more], submit, { locked: !place.may('developer') }),
  ]
}
