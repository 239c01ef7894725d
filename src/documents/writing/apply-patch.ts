import { invalidRequest, type Issue } from '../../platform/errors.ts'
import { canonicalText } from '../../query/canonical-text.ts'
import { compareScalars, isJsonArray, isJsonObject, type Json, type JsonObject } from '../../query/json.ts'
import { validationFailed } from '../errors.ts'

/**
 * Merges a patch into data: objects merge, `null` removes, everything else replaces (RFC 7396). An object whose
 * only key starts with `$` is an operator on the present value: `{"votes": {"$increment": 1}}`.
 *
 * Throws 400 for operators that don't exist or whose operand is wrong, 422 where the present value has another type.
 *
 * @param now ISO 8601, what `$now` sets
 */
export function applyPatch(data: JsonObject, patch: JsonObject, now: string): JsonObject {
  return mergeInto(data, patch, '', now)
}

function mergeInto(target: Json | undefined, patch: JsonObject, path: string, now: string): JsonObject {
  const merged = new Map(Object.entries(isJsonObject(target) ? target : {}))
  for (const [name, change] of Object.entries(patch)) {
    const here = path === '' ? name : `${path}.${name}`
    const value = patchedValue(merged.get(name), change, here, now)
    if (value === null) merged.delete(name)
    else merged.set(name, value)
  }
  return Object.fromEntries(merged)
}

/** Null means: remove the field. */
function patchedValue(current: Json | undefined, change: Json, path: string, now: string): Json {
  if (!isJsonObject(change)) return change
  const keys = Object.keys(change)
  const name = keys.find((key) => key.startsWith('$'))
  if (name === undefined) return mergeInto(current, change, path, now)
  const operator = operators.get(name)
  if (operator === undefined) throw badOperator(path, 'unknown_operator', `there is no operator ${name}`)
  if (keys.length > 1) throw badOperator(path, 'mixed_operators', 'takes one operator and nothing beside it')
  return operator(current ?? null, change[name] ?? null, path, now)
}

type Operator = (current: Json, operand: Json, path: string, now: string) => Json

const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['$increment', increment],
  ['$append', (current, operand, path) => [...listOf(current, path), ...itemsOf(operand)]],
  ['$addUnique', addUnique],
  ['$remove', remove],
  ['$min', (current, operand, path) => extreme(current, operand, path, -1)],
  ['$max', (current, operand, path) => extreme(current, operand, path, 1)],
  ['$now', (_current, operand, path, now) => flag(operand, path, now)],
  ['$unset', (_current, operand, path) => flag(operand, path, null)],
])

function increment(current: Json, operand: Json, path: string): Json {
  if (typeof operand !== 'number') throw badOperator(path, 'wrong_type', '$increment takes a number')
  if (current !== null && typeof current !== 'number') throw wrongCurrent(path, 'a number')
  const sum = (current ?? 0) + operand
  if (!Number.isFinite(sum))
    throw validationFailed([{ path, code: 'out_of_range', message: 'would no longer be finite' }])
  return sum
}

function addUnique(current: Json, operand: Json, path: string): Json {
  const list = [...listOf(current, path)]
  const present = new Set(list.map(canonicalText))
  for (const item of itemsOf(operand)) {
    const text = canonicalText(item)
    if (!present.has(text)) list.push(item)
    present.add(text)
  }
  return list
}

function remove(current: Json, operand: Json, path: string): Json {
  const unwanted = new Set(itemsOf(operand).map(canonicalText))
  return listOf(current, path).filter((item) => !unwanted.has(canonicalText(item)))
}

/** Keeps the smaller or the larger of two values of one type; a missing one loses. */
function extreme(current: Json, operand: Json, path: string, direction: 1 | -1): Json {
  if (typeof operand !== 'number' && typeof operand !== 'string') {
    throw badOperator(path, 'wrong_type', '$min and $max take a number or a string')
  }
  if (current === null) return operand
  const order = compareScalars(operand, current)
  if (order === undefined) throw wrongCurrent(path, `a ${typeof operand}`)
  return order * direction > 0 ? operand : current
}

function flag(operand: Json, path: string, value: Json): Json {
  if (operand !== true) throw badOperator(path, 'wrong_type', '$now and $unset take true')
  return value
}

/** One value, or several in an array. */
function itemsOf(operand: Json): readonly Json[] {
  return isJsonArray(operand) ? operand : [operand]
}

function listOf(current: Json, path: string): readonly Json[] {
  if (current === null) return []
  if (!isJsonArray(current)) throw wrongCurrent(path, 'an array')
  return current
}

function badOperator(path: string, code: string, message: string): Error {
  const issue: Issue = { path, code, message }
  return invalidRequest([issue])
}

function wrongCurrent(path: string, expected: string): Error {
  return validationFailed([{ path, code: 'wrong_type', message: `is not ${expected} at present` }])
}
