import { compareText } from './compare-text.ts'

/** What JSON can hold. A missing field is `null` wherever an expression looks at it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

export interface JsonObject {
  readonly [key: string]: Json
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isJsonArray(value: unknown): value is readonly Json[] {
  return Array.isArray(value)
}

/** An own field of a plain object; `null` for everything that isn't there. */
export function memberOf(value: Json, key: string): Json {
  return isJsonObject(value) && Object.hasOwn(value, key) ? (value[key] ?? null) : null
}

/** Equality of JSON values, the same as that of `jsonb`: by value, whatever the order of keys. */
export function jsonEquals(a: Json, b: Json): boolean {
  if (a === b) return true
  if (isJsonArray(a)) {
    return isJsonArray(b) && a.length === b.length && a.every((item, at) => jsonEquals(item, b[at] ?? null))
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && jsonEquals(a[key] ?? null, b[key] ?? null))
  )
}

/**
 * The order of two booleans (false first), two numbers or two texts (by code point): negative, 0 or positive.
 * Undefined for anything else, which has no order.
 */
export function compareScalars(a: Json, b: Json): number | undefined {
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : Number(a > b)
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  return typeof a === 'boolean' && typeof b === 'boolean' ? Number(a) - Number(b) : undefined
}
