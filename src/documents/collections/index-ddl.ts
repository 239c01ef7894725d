import { createHash } from 'node:crypto'
import { quoteName } from '../../platform/sql.ts'
import type { FieldPath } from '../../query/field-path.ts'
import { geoExpression, indexExpression, searchExpression } from '../../query/index-expression.ts'
import { sortKey } from '../../query/sort-key.ts'
import { type ParsedIndex, searchIndex } from './parse-indexes.ts'

/**
 * The index's name in the database: the collection, and a hash of all that it is made of. So the same
 * declaration is the same index, and a changed one is another.
 */
export function indexName(collection: string, index: ParsedIndex): string {
  const hash = createHash('sha256').update(JSON.stringify(index)).digest('hex').slice(0, 12)
  return `${collection}_${hash}`
}

/** @param mode `CONCURRENTLY` builds without blocking writes, and not inside a transaction */
export function createIndexSql(
  schema: string,
  collection: string,
  index: ParsedIndex,
  mode: 'CONCURRENTLY' | '',
): string {
  const name = quoteName(indexName(collection, index))
  const table = `${quoteName(schema)}.${quoteName(collection)}`
  switch (index.type) {
    case 'search':
      return `CREATE INDEX ${mode} ${name} ON ${table} USING gin (${searchExpression(searchIndex(index))})`
    case 'geo':
      return `CREATE INDEX ${mode} ${name} ON ${table} USING gist (${index.fields.map(({ path }) => `(${geoExpression(path)})`).join(', ')})`
    case 'ordered':
      return `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX ${mode} ${name} ON ${table} (${orderedColumns(index)})${presence(index)}`
  }
}

export function dropIndexSql(schema: string, name: string): string {
  return `DROP INDEX CONCURRENTLY IF EXISTS ${quoteName(schema)}.${quoteName(name)}`
}

function orderedColumns(index: ParsedIndex): string {
  const columns = index.fields.map(({ path, descending }) => column(path, descending))
  // The id makes the order total, as every sort is, so that one walk of the index serves a page and its cursor.
  if (!index.unique && !index.fields.some(({ path }) => isId(path))) {
    columns.push(column(['id'], index.fields.at(-1)?.descending ?? false))
  }
  return columns.join(', ')
}

function column(path: FieldPath, descending: boolean): string {
  return `(${indexExpression(path)})${descending ? ' DESC' : ''}`
}

/** A unique index does not concern documents that lack one of its fields. */
function presence(index: ParsedIndex): string {
  if (!index.unique) return ''
  const conditions = index.fields.map(({ path }) => `${indexExpression(path)} <> '${sortKey(null)}'`)
  return ` WHERE ${conditions.join(' AND ')}`
}

function isId(path: FieldPath): boolean {
  return path.length === 1 && path[0] === 'id'
}
