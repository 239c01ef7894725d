import { invalidValue } from '../platform/errors.ts'
import { isStorable } from './field-path.ts'
import type { Json } from './json.ts'
import type { SortKey } from './parse-sort.ts'
import { columnType, keysOfDocument } from './sort-documents.ts'
import type { KeyValue } from './sort-documents.ts'

/**
 * The place behind a document in an order, as text for URLs.
 * @param distance for a `$near` order: what `distanceToSql` gave for this document
 */
export function encodeCursor(sort: readonly SortKey[], document: Json, distance?: number): string {
  const keys = keysOfDocument(sort, document)
  const exact = sort.map((key, index) =>
    key.kind === 'distance' && distance !== undefined ? distance : keys[index],
  )
  return Buffer.from(JSON.stringify([fingerprint(sort), ...exact])).toString('base64url')
}

/** The keys in a cursor. Fails with 400 `invalid_cursor` when it is none, or belongs to another order. */
export function decodeCursor(text: unknown, sort: readonly SortKey[], at = 'after'): KeyValue[] {
  const [mark, ...keys] = typeof text === 'string' ? parseList(text) : []
  const valid = keys.flatMap((key, index) => (isKeyOf(sort[index], key) ? [key] : []))
  if (mark !== fingerprint(sort) || valid.length !== sort.length || keys.length !== sort.length) {
    throw invalidValue(at, 'This is not a cursor of a query with this sort.', 'invalid_cursor')
  }
  return valid
}

function parseList(text: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return Array.isArray(parsed) ? parsed : []
  } catch {
    return []
  }
}

function isKeyOf(key: SortKey | undefined, value: unknown): value is KeyValue {
  if (key === undefined) return false
  if (key.kind === 'distance') return typeof value === 'number'
  if (columnType(key) === 'bigint') return Number.isSafeInteger(value)
  return typeof value === 'string' && isStorable(value)
}

// FNV-1a. It tells orders apart by mistake, not by malice: a forged cursor only begins elsewhere.
function fingerprint(sort: readonly SortKey[]): string {
  const text = JSON.stringify(
    sort.map((key) => [key.path, key.direction, key.kind === 'distance' ? key.point : null]),
  )
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash.toString(36)
}
