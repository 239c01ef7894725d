import { quoteFieldName } from '../platform/sql.ts'
import { systemColumns } from './field-path.ts'
import type { FieldPath } from './field-path.ts'
import type { SearchIndex } from './sql-context.ts'

// PostgreSQL refuses a tsvector over 1 MiB. A longer text is found by its beginning.
const searchedCharacters = 250_000

/** The text search configurations that every PostgreSQL from 15 on brings along. */
const searchLanguages = new Set(
  `arabic armenian basque catalan danish dutch english finnish french german greek hindi hungarian indonesian
  irish italian lithuanian nepali norwegian portuguese romanian russian serbian simple spanish swedish tamil
  turkish yiddish`.split(/\s+/),
)

/** Whether a search index may be declared in this language: `english`, `german`, … or `simple`. */
export function isSearchLanguage(language: string): boolean {
  return searchLanguages.has(language)
}

/**
 * The expression that an index on a field is made of and that filters, sorts and cursors compile to:
 * `(basalt.key(data->'votes') COLLATE "C")`, or the column itself for a system field.
 * It stands in a definition as it is: `CREATE INDEX … ON … (${indexExpression(path)}, id)`.
 * The segments must be plain names (`isPlainFieldName`).
 * @param data the column with the data, with its alias inside a query: `t.data`
 */
export function indexExpression(path: FieldPath, data = 'data'): string {
  return systemColumn(path, data) ?? keyOf(jsonField(path, data))
}

/** Sort key of any JSON, as `sortKey` in TypeScript. */
export function keyOf(json: string): string {
  return `(basalt.key(${json}) COLLATE "C")`
}

/** The column of a system field beside `data`; undefined for a field of the data. */
export function systemColumn(path: FieldPath, data = 'data'): string | undefined {
  const column = path.length === 1 ? systemColumns.get(path[0] ?? '') : undefined
  return column === undefined ? undefined : data.replace(/data$/, column)
}

/** The JSON at a path of plain names. */
export function jsonField(path: FieldPath, data = 'data'): string {
  return [data, ...path.map(quoteFieldName)].join('->')
}

/** The tsvector of a search index: the expression of its GIN index and of `$search`. */
export function searchExpression(index: SearchIndex, data = 'data'): string {
  if (!isSearchLanguage(index.language)) throw new Error(`not a search language: ${index.language}`)
  const fields = index.fields.map((path) => `coalesce(${jsonField(path, data)} #>> '{}', '')`)
  return `to_tsvector('pg_catalog.${index.language}'::regconfig, left(${fields.join(` || ' ' || `)}, ${searchedCharacters}))`
}

/** The point that a geo index holds, for a GiST index: `basalt.geo(data->'location')`. */
export function geoExpression(path: FieldPath, data = 'data'): string {
  return `basalt.geo(${jsonField(path, data)})`
}
