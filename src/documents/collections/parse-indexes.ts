import { ApiError, invalidRequest, type Issue } from '../../platform/errors.ts'
import { type FieldPath, isPlainFieldName, parseFieldPath, systemColumns } from '../../query/field-path.ts'
import { isSearchLanguage } from '../../query/index-expression.ts'
import type { CollectionIndexes, SearchIndex } from '../../query/sql-context.ts'
import type { IndexDefinition } from './collection-definition.ts'

export interface ParsedIndex {
  type: 'ordered' | 'search' | 'geo'
  /** What people call it: its fields. */
  label: string
  fields: { path: FieldPath; descending: boolean }[]
  unique: boolean
  language: string
}

/** Reads declared indexes; throws 400 with the path of every fault. */
export function parseIndexes(definitions: readonly IndexDefinition[]): ParsedIndex[] {
  const issues: Issue[] = []
  const parsed = definitions.map((definition, at) => parseIndex(definition, `indexes[${at}]`, issues))
  if (parsed.filter(({ type }) => type === 'search').length > 1) {
    issues.push({ path: 'indexes', code: 'duplicate', message: 'holds more than one search index' })
  }
  const labels = parsed.map(({ type, label }) => `${type} ${label}`)
  labels.forEach((label, at) => {
    if (labels.indexOf(label) !== at)
      issues.push({ path: `indexes[${at}]`, code: 'duplicate', message: 'is declared twice' })
  })
  if (issues.length > 0) throw invalidRequest(issues)
  return parsed
}

function parseIndex(definition: IndexDefinition, at: string, issues: Issue[]): ParsedIndex {
  const type = definition.type ?? 'ordered'
  const language = definition.language ?? 'simple'
  if (type !== 'ordered' && definition.unique === true) {
    issues.push({ path: `${at}.unique`, code: 'invalid', message: `does not go with a ${type} index` })
  }
  if (type !== 'search' && definition.language !== undefined) {
    issues.push({ path: `${at}.language`, code: 'invalid', message: 'goes with a search index only' })
  }
  if (!isSearchLanguage(language)) {
    issues.push({
      path: `${at}.language`,
      code: 'unknown_language',
      message: 'is not a language that PostgreSQL knows',
    })
  }
  const fields = definition.fields.map((field, n) => parseField(field, type, `${at}.fields[${n}]`, issues))
  return { type, label: definition.fields.join(', '), fields, unique: definition.unique === true, language }
}

function parseField(
  field: string,
  type: ParsedIndex['type'],
  at: string,
  issues: Issue[],
): { path: FieldPath; descending: boolean } {
  const descending = field.startsWith('-')
  const fault = (message: string): void => void issues.push({ path: at, code: 'invalid_path', message })
  if (descending && type !== 'ordered') fault(`has no direction in a ${type} index`)
  try {
    const path = parseFieldPath(descending ? field.slice(1) : field, at)
    // An index is found only if its expression stands in queries to the letter, so the path can't be a parameter.
    if (!path.every(isPlainFieldName)) fault('may hold letters, digits and _ only')
    if (type !== 'ordered' && systemColumns.has(path[0] ?? '')) fault('is a system field')
    return { path, descending }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    issues.push(...error.errors)
    return { path: [], descending }
  }
}

/** What filters may rely on. */
export function collectionIndexes(indexes: readonly ParsedIndex[]): CollectionIndexes {
  const search = indexes.find(({ type }) => type === 'search')
  const fieldsOf = (wanted: ParsedIndex['type']): FieldPath[] =>
    indexes.filter(({ type }) => type === wanted).flatMap(({ fields }) => fields.map(({ path }) => path))
  return {
    ...(search === undefined ? {} : { search: searchIndex(search) }),
    geo: fieldsOf('geo'),
    ordered: fieldsOf('ordered'),
  }
}

export function searchIndex(index: ParsedIndex): SearchIndex {
  return { fields: index.fields.map(({ path }) => path), language: index.language }
}
