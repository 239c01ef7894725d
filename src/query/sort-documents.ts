import { chordTo, vectorOf } from './geo.ts'
import { memberOf } from './json.ts'
import type { Json } from './json.ts'
import type { SortKey } from './parse-sort.ts'
import { compareText } from './compare-text.ts'
import { sortKey } from './sort-key.ts'

/** What a document is sorted by: texts compare by code point, numbers (versions, distances) as numbers. */
export type KeyValue = string | number

/** Orders documents exactly as PostgreSQL does: `documents.sort(compareDocuments(sort))`. */
export function compareDocuments(sort: readonly SortKey[]): (a: Json, b: Json) => number {
  const compare = compareKeysOf(sort)
  return (a, b) => compare(keysOfDocument(sort, a), keysOfDocument(sort, b))
}

/** Orders what `keysOfDocument` gives for two documents. */
export function compareKeysOf(
  sort: readonly SortKey[],
): (a: readonly KeyValue[], b: readonly KeyValue[]) => number {
  const signs = sort.map((key) => (key.direction === 'ascending' ? 1 : -1))
  return (a, b) => {
    for (const [at, sign] of signs.entries()) {
      const order = compareKeys(a[at] ?? '', b[at] ?? '')
      if (order !== 0) return sign * order
    }
    return 0
  }
}

/** The keys of a document in the order of the sort. */
export function keysOfDocument(sort: readonly SortKey[], document: Json): KeyValue[] {
  return sort.map((key) => keyReader(key)(document))
}

function keyReader(key: SortKey): (document: Json) => KeyValue {
  if (key.kind === 'distance') {
    const from = vectorOf(key.point)
    return (document) => chordTo(key.path.reduce(memberOf, document), from) ?? Number.POSITIVE_INFINITY
  }
  return (document) => {
    const value = key.path.reduce(memberOf, document)
    const isColumn = columnType(key) !== undefined && (typeof value === 'string' || typeof value === 'number')
    return isColumn ? value : sortKey(value)
  }
}

/** The type of a system field's column, which is sorted by its own values; undefined for fields of the data. */
export function columnType(key: SortKey): 'text' | 'bigint' | undefined {
  if (key.kind === 'distance' || key.path.length !== 1) return undefined
  switch (key.path[0]) {
    case 'id':
    case 'createdAt':
    case 'updatedAt':
      return 'text'
    case 'version':
      return 'bigint'
    default:
      return undefined
  }
}

function compareKeys(a: KeyValue, b: KeyValue): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : compareText(String(a), String(b))
}
