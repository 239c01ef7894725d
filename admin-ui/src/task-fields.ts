import type { Schedule } from '@basalt/client'
import { element } from './elements.ts'
import { type Field, optionalField, suggestedField, valueField } from './fields.ts'
import { readFunctions } from './function-api.ts'
import type { Place } from './project-frame.ts'

/** The fields of a task that are alike when it is enqueued and when a schedule does it. */
export interface TaskFields {
  first: HTMLElement[]
  /** What is mostly left as it is. */
  further: Field<unknown>[]
  read(): Schedule['task']
}

/** @param prefix where the API has the task: `task.` in a schedule */
export function taskFields(
  names: readonly string[],
  task: Partial<Schedule['task']>,
  prefix = '',
): TaskFields {
  const name = suggestedField('Task', `${prefix}name`, names, {
    value: task.name ?? names[0] ?? '',
    pattern: '[A-Za-z0-9_][A-Za-z0-9_.:\\/\\-]{0,127}',
    title: 'The name that a task(…) function has',
    autocomplete: 'off',
    hint:
      names.length === 0
        ? 'No function runs tasks yet: deploy one with task(…).'
        : 'What a task(…) function is named.',
  })
  const payload = valueField(
    'Payload',
    `${prefix}payload`,
    task.payload,
    'JSON for the function; may be empty.',
  )
  const number = (
    label: string,
    key: 'priority' | 'maxAttempts' | 'timeout',
    min: number,
    max: number,
    hint: string,
  ) =>
    optionalField(label, `${prefix}${key}`, {
      type: 'number',
      value: task[key] === undefined ? '' : String(task[key]),
      min: String(min),
      max: String(max),
      hint,
    })
  const queue = optionalField('Queue', `${prefix}queue`, { value: task.queue ?? '', hint: 'Empty: default.' })
  const priority = number('Priority', 'priority', -100, 100, '−100 to 100, the higher the sooner. Empty: 0.')
  const maxAttempts = number('Attempts', 'maxAttempts', 1, 100, 'Empty: 10.')
  const timeout = number('Seconds for one attempt', 'timeout', 1, 21_600, 'Empty: 300.')
  return {
    first: [name.row, payload.row],
    further: [queue, priority, maxAttempts, timeout],
    read() {
      const value = payload.read()
      const numbers = { priority, maxAttempts, timeout }
      return {
        name: name.read(),
        ...(value !== undefined && { payload: value }),
        ...(queue.read() !== undefined && { queue: queue.read() ?? '' }),
        ...Object.fromEntries(
          Object.entries(numbers).flatMap(([key, field]) => {
            const text = field.read()
            return text === undefined ? [] : [[key, Number(text)]]
          }),
        ),
      }
    },
  }
}

/** What the functions of the active version can be asked for. */
export async function readTaskNames(place: Place): Promise<string[]> {
  const { functions } = await readFunctions(place)
  return functions.flatMap(({ task }) => (task === undefined ? [] : [task]))
}

export function furtherFields(fields: readonly Field<unknown>[], isOpen = false): HTMLElement {
  const rows = fields.map(({ row }) => row)
  const group = element('div', { className: 'further' }, ...rows)
  return element('details', { open: isOpen }, element('summary', {}, 'More'), group)
}
