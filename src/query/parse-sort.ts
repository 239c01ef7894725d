import { invalidValue } from '../platform/errors.ts'
import type { Expression, Near } from './expression.ts'
import { parseFieldPath } from './field-path.ts'
import type { FieldPath } from './field-path.ts'
import type { GeoPoint } from './geo.ts'
import { partsOf } from './walk-expression.ts'

type Direction = 'ascending' | 'descending'

/** One key of an order: a field of the document, or its distance from the point of a `$near`. */
export type SortKey =
  | { readonly kind: 'field'; readonly path: FieldPath; readonly direction: Direction }
  | {
      readonly kind: 'distance'
      readonly path: FieldPath
      readonly point: GeoPoint
      readonly direction: 'ascending'
    }

const maxSortFields = 8

/**
 * Reads a sort, `-createdAt,title` or `['-createdAt', 'title']`: at most eight fields, each once.
 * `id` ends every order, so that it is total; it takes the direction of the field before it, which lets one
 * index walk serve them all. Without fields the order is by `id`.
 * Fails with 400 `wrong_type`, `invalid_path`, `too_many_fields` or `duplicate_field`.
 */
export function parseSort(input: unknown, at = 'sort'): SortKey[] {
  const names = sortNames(input, at)
  if (names.length > maxSortFields) {
    throw invalidValue(at, `A sort has at most ${maxSortFields} fields.`, 'too_many_fields')
  }
  const keys = names.map((name, index) => fieldKey(name, Array.isArray(input) ? `${at}[${index}]` : at))
  const paths = keys.map((key) => key.path.join('.'))
  if (new Set(paths).size < paths.length)
    throw invalidValue(at, 'A field stands twice in the sort.', 'duplicate_field')
  if (paths.includes('id')) return keys
  return [...keys, { kind: 'field', path: ['id'], direction: keys.at(-1)?.direction ?? 'ascending' }]
}

/** The order of a query: the sort given, otherwise the distance from the point of the filter's `$near`. */
export function orderOf(filter: Expression, sort: unknown, at = 'sort'): SortKey[] {
  const near = sortNames(sort, at).length === 0 ? nearOf(filter) : undefined
  if (near === undefined) return parseSort(sort, at)
  return [
    { kind: 'distance', path: near.path, point: near.point, direction: 'ascending' },
    ...parseSort('id', at),
  ]
}

function nearOf(expression: Expression): Near | undefined {
  if (expression.kind === 'near') return expression
  if (expression.kind !== 'and') return undefined
  return partsOf(expression)
    .map(nearOf)
    .find((near) => near !== undefined)
}

function sortNames(input: unknown, at: string): string[] {
  if (input === undefined || input === '') return []
  const names: unknown[] = Array.isArray(input)
    ? input
    : typeof input === 'string'
      ? input.split(',')
      : [undefined]
  return names.map((name) => {
    if (typeof name === 'string') return name.trim()
    throw invalidValue(
      at,
      'A sort is a list of field names, each with a minus before it to descend.',
      'wrong_type',
    )
  })
}

function fieldKey(name: string, at: string): Extract<SortKey, { kind: 'field' }> {
  const isDescending = name.startsWith('-')
  const path = parseFieldPath(isDescending ? name.slice(1) : name, at)
  return { kind: 'field', path, direction: isDescending ? 'descending' : 'ascending' }
}
