import { Refused } from './api.ts'
import { element } from './elements.ts'

/** A labelled control that takes part in its form under a name: the path that the API calls it by. */
export interface Field<Value> {
  row: HTMLElement
  /** Throws `Refused` for what the API can't even be asked. */
  read(): Value
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement

let count = 0

function rowOf(label: string, control: Control, hint: string, isSwitch = false): HTMLElement {
  count += 1
  control.id = `field-${count}`
  const explained = element('p', { id: `${control.id}-hint`, className: 'hint', hidden: hint === '' }, hint)
  const error = element('p', { id: `${control.id}-error`, className: 'error', hidden: true })
  control.setAttribute('aria-describedby', `${explained.id} ${error.id}`)
  const named = element('label', { htmlFor: control.id }, label)
  const parts = isSwitch ? [element('div', {}, control, named)] : [named, control]
  return element('div', { className: isSwitch ? 'field switch' : 'field' }, ...parts, explained, error)
}

interface InputOptions extends Partial<HTMLInputElement> {
  hint?: string
}

export function textField(label: string, name: string, options: InputOptions = {}): Field<string> {
  const { hint = '', ...properties } = options
  const input = element('input', { name, required: true, ...properties })
  return { row: rowOf(label, input, hint), read: () => input.value }
}

/** What may be left empty reads as undefined. */
export function optionalField(
  label: string,
  name: string,
  options: InputOptions = {},
): Field<string | undefined> {
  const field = textField(label, name, { required: false, ...options })
  return { row: field.row, read: () => field.read().trim() || undefined }
}

export function numberField(
  label: string,
  name: string,
  value: number,
  min: number,
  max: number,
): Field<number> {
  const range = { min: String(min), max: String(max) }
  const field = textField(label, name, { type: 'number', value: String(value), ...range })
  return { row: field.row, read: () => Number(field.read()) }
}

/** Goes in and never comes back; empty means: as it is. */
export function secretField(
  label: string,
  name: string,
  isSet: boolean,
  hint = '',
): Field<string | undefined> {
  const placeholder = isSet ? 'Is set; type to replace it' : ''
  return optionalField(label, name, { type: 'password', autocomplete: 'off', placeholder, hint })
}

export function switchField(label: string, name: string, checked: boolean, hint = ''): Field<boolean> {
  const input = element('input', { type: 'checkbox', name, checked })
  return { row: rowOf(label, input, hint, true), read: () => input.checked }
}

export function choiceField<Value extends string>(
  label: string,
  name: string,
  choices: readonly (readonly [Value, string])[],
  value: string,
  hint = '',
): Field<Value> {
  const options = choices.map(([key, text]) =>
    element('option', { value: key, selected: key === value }, text),
  )
  const select = element('select', { name }, ...options)
  const read = (): Value => choices[select.selectedIndex]?.[0] ?? (select.value as Value)
  return { row: rowOf(label, select, hint), read }
}

interface AreaOptions extends Partial<HTMLTextAreaElement> {
  hint?: string
}

export function areaField(label: string, name: string, options: AreaOptions = {}): Field<string> {
  const { hint = '', ...properties } = options
  const area = element('textarea', { name, rows: 4, spellcheck: false, ...properties })
  return { row: rowOf(label, area, hint), read: () => area.value }
}

/** One entry a line. */
export function linesField(
  label: string,
  name: string,
  lines: readonly string[],
  hint = '',
): Field<string[]> {
  const field = areaField(label, name, { value: lines.join('\n'), rows: Math.max(2, lines.length + 1), hint })
  const read = (): string[] =>
    field
      .read()
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
  return { row: field.row, read }
}

/** Words with spaces or commas between them. */
export function wordsField(
  label: string,
  name: string,
  words: readonly string[],
  hint = '',
): Field<string[]> {
  const field = textField(label, name, { value: words.join(' '), required: false, hint })
  return {
    row: field.row,
    read: () =>
      field
        .read()
        .split(/[\s,]+/)
        .filter((word) => word !== ''),
  }
}

/** Shows rows only while a choice makes them mean something. */
export function showWhile<Value>(
  field: Field<Value>,
  isWanted: (value: Value) => boolean,
  rows: Field<unknown>[],
): void {
  const update = (): void => {
    for (const { row } of rows) row.hidden = !isWanted(field.read())
  }
  field.row.addEventListener('input', update)
  update()
}

export type JsonObject = Record<string, unknown>

export function jsonField(label: string, name: string, value: unknown, hint = ''): Field<JsonObject> {
  const text = JSON.stringify(value, null, 2)
  const rows = Math.min(12, text.split('\n').length + 1)
  const field = areaField(label, name, { value: text, rows, className: 'code json', hint })
  return {
    row: field.row,
    read() {
      const parsed = parse(field.read())
      if (isObject(parsed)) return parsed
      throw new Refused(`${label} is not right.`, [{ path: name, message: 'must be a JSON object' }])
    },
  }
}

/** Any JSON; empty reads as undefined. */
export function valueField(label: string, name: string, value: unknown, hint = ''): Field<unknown> {
  const text = value === undefined ? '' : JSON.stringify(value, null, 2)
  const rows = Math.min(12, Math.max(3, text.split('\n').length + 1))
  const field = areaField(label, name, { value: text, rows, className: 'code json', hint })
  return {
    row: field.row,
    read() {
      if (field.read().trim() === '') return undefined
      const parsed = parse(field.read())
      if (parsed !== undefined) return parsed
      throw new Refused(`${label} is not right.`, [{ path: name, message: 'must be JSON' }])
    },
  }
}

/** Takes any text, and proposes some. */
export function suggestedField(
  label: string,
  name: string,
  suggestions: readonly string[],
  options: InputOptions = {},
): Field<string> {
  const field = textField(label, name, options)
  const list = element(
    'datalist',
    { id: `${name}-suggestions` },
    ...suggestions.map((value) => element('option', { value })),
  )
  field.row.querySelector('input')?.setAttribute('list', list.id)
  field.row.append(list)
  return field
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
