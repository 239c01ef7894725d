import { invalidRequest, invalidValue } from '../platform/errors.ts'
import type { Issue } from '../platform/errors.ts'
import type { Expression } from './expression.ts'
import { describeSegmentFault, parseFieldPath } from './field-path.ts'
import type { FieldPath } from './field-path.ts'
import type { FilterLimits } from './filter-issues.ts'
import { isJsonObject } from './json.ts'
import { parseFilter } from './parse-filter.ts'
import { fieldPaths, mapParts } from './walk-expression.ts'

type AggregateFunction = '$count' | '$sum' | '$avg' | '$min' | '$max' | '$countDistinct'

/** One value of a group: `"total": {"$sum": "price"}`. Without a path it counts documents. */
export interface Aggregate {
  readonly name: string
  readonly function: AggregateFunction
  readonly path: FieldPath | undefined
}

export interface AggregateQuery {
  readonly where: Expression
  readonly groupBy: readonly FieldPath[]
  readonly select: readonly Aggregate[]
  /** Over the names of the result, each a path of one segment. */
  readonly having: Expression | undefined
  readonly sort: readonly { readonly name: string; readonly isDescending: boolean }[]
  readonly limit: number
}

const maxGroupFields = 8
const maxAggregates = 32
const defaultLimit = 100
const maxLimit = 1000
const known = new Set(['where', 'groupBy', 'select', 'having', 'sort', 'limit'])

/**
 * Reads `{ where?, groupBy?, select, having?, sort?, limit? }`. Groups are named by their dotted paths;
 * `having` and `sort` speak of the names of the result. Fails with 400 and the path of each fault.
 */
export function parseAggregate(input: unknown, limits?: FilterLimits): AggregateQuery {
  if (!isJsonObject(input)) throw invalidValue('', 'An aggregate is an object.', 'wrong_type')
  refuseUnknown(input)
  const where = parseFilter(input['where'], limits && { limits })
  const groupBy = listOfTexts(input['groupBy'], 'groupBy', maxGroupFields).map((text, index) =>
    parseFieldPath(text, `groupBy[${index}]`),
  )
  const select = parseSelect(input['select'])
  const names = [...groupBy.map((path) => path.join('.')), ...select.map(({ name }) => name)]
  if (new Set(names).size < names.length)
    throw invalidValue('select', 'Two values have the same name.', 'duplicate_field')
  const having = input['having'] === undefined ? undefined : parseHaving(input['having'], names)
  return {
    where,
    groupBy,
    select,
    having,
    sort: parseSort(input['sort'], names),
    limit: parseLimit(input['limit']),
  }
}

function refuseUnknown(input: Readonly<Record<string, unknown>>): void {
  const faults: Issue[] = Object.keys(input)
    .filter((name) => !known.has(name))
    .map((path) => ({ path, code: 'unknown_field', message: `An aggregate takes ${[...known].join(', ')}.` }))
  if (faults.length > 0) throw invalidRequest(faults)
}

function listOfTexts(input: unknown, at: string, most: number): string[] {
  if (input === undefined) return []
  if (Array.isArray(input) && input.length <= most && input.every((item) => typeof item === 'string'))
    return input
  throw invalidValue(at, `This is a list of at most ${most} names.`, 'wrong_type')
}

function parseSelect(input: unknown): Aggregate[] {
  const entries = isJsonObject(input) ? Object.entries(input) : []
  if (entries.length === 0 || entries.length > maxAggregates) {
    throw invalidValue(
      'select',
      `This is an object of 1 to ${maxAggregates} values, {"n": {"$count": true}}.`,
      'wrong_type',
    )
  }
  return entries.map(([name, value]) => parseAggregateValue(name, value, `select.${name}`))
}

function parseAggregateValue(name: string, input: unknown, at: string): Aggregate {
  const fault = name.includes('.') ? 'A name has no dots.' : describeSegmentFault(name)
  if (fault !== undefined) throw invalidValue(at, fault, 'invalid_path')
  const [entry, ...others] = isJsonObject(input) ? Object.entries(input) : []
  if (entry === undefined || others.length > 0) {
    throw invalidValue(at, 'This is an object with one function, {"$sum": "price"}.', 'wrong_type')
  }
  const [called, argument] = entry
  if (!isAggregateFunction(called))
    throw invalidValue(`${at}.${called}`, `${called} is not a function.`, 'unknown_operator')
  if (called === '$count') {
    if (argument === true) return { name, function: called, path: undefined }
    throw invalidValue(`${at}.$count`, '$count takes true.', 'wrong_type')
  }
  if (typeof argument !== 'string')
    throw invalidValue(`${at}.${called}`, `${called} takes a field.`, 'wrong_type')
  return { name, function: called, path: parseFieldPath(argument, `${at}.${called}`) }
}

function isAggregateFunction(name: string): name is AggregateFunction {
  return ['$count', '$sum', '$avg', '$min', '$max', '$countDistinct'].includes(name)
}

/** A group by `address.city` is one value of the result named so, not a path into one. */
function parseHaving(input: unknown, names: readonly string[]): Expression {
  const filter = parseFilter(input, { path: 'having', indexed: false })
  const unknown = fieldPaths(filter)
    .map((path) => path.join('.'))
    .filter((name) => !names.includes(name))
  if (unknown.length > 0) {
    throw invalidRequest(
      unknown.map((name) => ({
        path: `having.${name}`,
        code: 'unknown_field',
        message: `The result has no ${name}.`,
      })),
    )
  }
  const named = (part: Expression): Expression =>
    part.kind === 'path' ? { ...part, path: [part.path.join('.')] } : mapParts(part, named)
  return named(filter)
}

function parseSort(input: unknown, names: readonly string[]): AggregateQuery['sort'] {
  const texts = typeof input === 'string' ? input.split(',') : listOfTexts(input, 'sort', maxGroupFields)
  return texts.map((text) => {
    const isDescending = text.startsWith('-')
    const name = isDescending ? text.slice(1) : text
    if (!names.includes(name)) throw invalidValue('sort', `The result has no ${name}.`, 'unknown_field')
    return { name, isDescending }
  })
}

function parseLimit(input: unknown): number {
  if (input === undefined) return defaultLimit
  if (typeof input === 'number' && Number.isInteger(input) && input >= 1 && input <= maxLimit) return input
  throw invalidValue('limit', `A limit is a whole number from 1 to ${maxLimit}.`, 'invalid_value')
}
