import { chordToSql } from './geo-to-sql.ts'
import type { SortKey } from './parse-sort.ts'
import { columnType } from './sort-documents.ts'
import type { KeyValue } from './sort-documents.ts'
import type { SqlContext } from './sql-context.ts'
import { keyOfPath } from './to-sql.ts'

/** What stands behind ORDER BY. An index on `indexExpression` of the fields and `id` yields it. */
export function sortToSql(sort: readonly SortKey[], context: SqlContext): string {
  return sort
    .map((key) => `${expressionOf(key, context)} ${key.direction === 'ascending' ? 'ASC' : 'DESC'}`)
    .join(', ')
}

/**
 * The distance that a `$near` sorts by, to be selected beside the document: cursors need PostgreSQL's own
 * value, to the last bit. Undefined for other orders. A chord of the unit sphere (`distanceOfChord`).
 */
export function distanceToSql(sort: readonly SortKey[], context: SqlContext): string | undefined {
  const key = sort.find((candidate) => candidate.kind === 'distance')
  return key === undefined ? undefined : expressionOf(key, context)
}

/** The condition for what comes after a cursor's keys. */
export function cursorToSql(
  sort: readonly SortKey[],
  keys: readonly KeyValue[],
  context: SqlContext,
): string {
  const terms = sort.map((key, index) => ({
    sql: expressionOf(key, context),
    value: context.params.push(keys[index], parameterType(key)),
    after: key.direction === 'ascending' ? '>' : '<',
  }))
  const first = terms[0]?.after ?? '>'
  if (terms.every(({ after }) => after === first)) {
    // A row comparison is one range of an index; PostgreSQL doesn't find it in the expanded form.
    return `(${terms.map(({ sql }) => sql).join(', ')}) ${first} (${terms.map(({ value }) => value).join(', ')})`
  }
  return terms.reduceRight((rest, { sql, value, after }) => {
    if (rest === '') return `${sql} ${after} ${value}`
    // The bound on the leading key is implied; said, it lets an index begin at the right place.
    return `(${sql} ${after}= ${value} AND (${sql} ${after} ${value} OR ${rest}))`
  }, '')
}

function expressionOf(key: SortKey, context: SqlContext): string {
  return key.kind === 'distance' ? chordToSql(key.path, key.point, context) : keyOfPath(key.path, context)
}

function parameterType(key: SortKey): 'text' | 'bigint' | 'float8' {
  return key.kind === 'distance' ? 'float8' : (columnType(key) ?? 'text')
}
