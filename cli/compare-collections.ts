import { isDeepStrictEqual } from 'node:util'
import type { CollectionDefinition, IndexDefinition, JsonSchema } from './definitions.ts'
import { isRecord } from './private-file.ts'

/** One line of a plan: something comes, goes, or becomes something else. */
export interface Detail {
  sign: '+' | '-' | '~'
  what: string
  before?: string | undefined
  after?: string | undefined
  /** What whoever says yes should know: that it is slow, or can fail, or hurts. */
  note?: string | undefined
}

/** What differs between a collection as it is and as it should be, part by part. `current` is undefined for a new one. */
export function compareCollections(
  current: CollectionDefinition | undefined,
  wanted: CollectionDefinition,
): Detail[] {
  const isNew = current === undefined
  const details = [
    ...compareSchemas(current?.schema ?? null, wanted.schema ?? null),
    ...compareIndexes(current?.indexes ?? [], wanted.indexes ?? []),
    ...compareTexts('rule', current?.rules ?? {}, wanted.rules ?? {}),
    ...compareTexts('field', fieldTexts(current), fieldTexts(wanted)),
  ]
  // In a new collection nothing is slow and nothing is lost.
  return isNew ? details.map((detail) => ({ ...detail, note: undefined })) : details
}

/** Texts by name: rules, or the settings of fields. */
export function compareTexts(
  kind: string,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): Detail[] {
  return namesOf(before, after).flatMap((name): Detail[] => {
    const detail = compareValues(`${kind} ${name}`, before[name], after[name])
    return detail === undefined ? [] : [detail]
  })
}

export function compareValues(
  what: string,
  before: string | undefined,
  after: string | undefined,
): Detail | undefined {
  if (before === after) return undefined
  return { sign: before === undefined ? '+' : after === undefined ? '-' : '~', what, before, after }
}

function compareSchemas(before: JsonSchema | null, after: JsonSchema | null): Detail[] {
  if (isDeepStrictEqual(before, after)) return []
  if (after === null) return [{ sign: '-', what: 'schema', note: 'documents are no longer checked' }]
  const { fields: had, rest: hadRest } = splitSchema(before ?? {})
  const { fields: wants, rest: wantsRest } = splitSchema(after)
  const fields = compareTexts('field', had, wants).map((detail) => ({ ...detail, note: noteOnField(detail) }))
  const rest = compareTexts('schema', hadRest, wantsRest)
  // `required` in another order means the same, and is stored all the same.
  return fields.length + rest.length > 0
    ? [...fields, ...rest]
    : [{ sign: '~', what: 'order of required fields' }]
}

function noteOnField({ sign, before = '', after = '' }: Detail): string | undefined {
  const isOptional = (text: string): boolean => text.endsWith(optional)
  if (sign === '-') return 'stored documents that hold it are refused when they change next'
  if (isOptional(after) && (sign === '+' || before + optional === after)) return undefined
  if (sign === '+' || (isOptional(before) && !isOptional(after))) {
    return 'stored documents without it are refused when they change next'
  }
  return 'stored documents are checked when they change next'
}

const optional = ', optional'

/** The fields at the top in words, and the other keywords as they are. */
function splitSchema(schema: JsonSchema): { fields: Record<string, string>; rest: Record<string, string> } {
  const { properties, required, type, additionalProperties, ...rest } = schema
  const needed = new Set(Array.isArray(required) ? required.map(String) : [])
  const known = isRecord(properties) ? properties : {}
  const fields = Object.entries(known).map(([name, field]) => [
    name,
    describeSchema(field) + (needed.has(name) ? '' : optional),
  ])
  const others = {
    ...(type !== undefined && type !== 'object' && { type }),
    ...(Object.keys(known).length > 0 && additionalProperties !== false && { 'other fields': 'allowed' }),
    ...rest,
  }
  return {
    fields: Object.fromEntries(fields),
    rest: Object.fromEntries(Object.entries(others).map(([name, value]) => [name, asText(value)])),
  }
}

/** `string (maxLength 200)`. */
function describeSchema(schema: unknown): string {
  if (!isRecord(schema)) return asText(schema)
  const { type, ...rest } = schema
  const limits = Object.entries(sortKeys(rest)).map(([key, value]) => `${key} ${asText(value)}`)
  const name = typeof type === 'string' ? type : 'any'
  return limits.length === 0 ? name : `${name} (${limits.join(', ')})`
}

function compareIndexes(before: readonly IndexDefinition[], after: readonly IndexDefinition[]): Detail[] {
  const had = new Set(before.map(describeIndex))
  const wants = new Set(after.map(describeIndex))
  const isUnique = (text: string): boolean => text.startsWith('unique')
  return [
    ...[...wants]
      .filter((text) => !had.has(text))
      .map((text): Detail => ({
        sign: '+',
        what: text,
        note: isUnique(text)
          ? 'built without blocking writes; refused if stored documents share values'
          : 'built without blocking writes; takes a while on many documents',
      })),
    ...[...had]
      .filter((text) => !wants.has(text))
      .map((text): Detail => ({
        sign: '-',
        what: text,
        note: isUnique(text)
          ? 'values may repeat from then on'
          : 'what was fast by it becomes slow, or stops working',
      })),
  ]
}

function describeIndex({ type, fields, unique, language }: IndexDefinition): string {
  const list = fields.join(', ')
  switch (type) {
    case 'search':
      return `full-text index ${list} (${language ?? 'simple'})`
    case 'geo':
      return `geo index ${list}`
    default:
      return `${unique === true ? 'unique index' : 'index'} ${list}`
  }
}

/** `email read rule` → its text. */
function fieldTexts(definition: CollectionDefinition | undefined): Record<string, string> {
  const entries = Object.entries(definition?.fields ?? {}).flatMap(([path, { read, write, relation }]) => [
    ...(read === undefined ? [] : [[`${path}, who reads it`, read]]),
    ...(write === undefined ? [] : [[`${path}, who writes it`, write]]),
    ...(relation === undefined ? [] : [[`${path}, which collection it refers to`, relation]]),
  ])
  return Object.fromEntries(entries)
}

function namesOf(...records: Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))]
}

/** Texts as they are, anything else as JSON. The database has its own order of keys, so they are sorted. */
export function asText(value: unknown): string {
  return typeof value === 'string'
    ? value
    : JSON.stringify(value, (_key, each: unknown) => (isRecord(each) ? sortKeys(each) : each))
}

function sortKeys(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
