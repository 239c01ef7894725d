import { invalidValue } from '../../platform/errors.ts'
import { type FieldPath, parseFieldPath } from '../../query/field-path.ts'
import { isJsonObject, type Json, type JsonObject } from '../../query/json.ts'

const maxFields = 100

/** Reads `fields=title,author.name` or an array of paths. Undefined selects all. */
export function parseFields(fields: string | readonly string[] | undefined): FieldPath[] | undefined {
  if (fields === undefined || fields.length === 0) return undefined
  const texts = typeof fields === 'string' ? fields.split(',') : fields
  if (texts.length > maxFields)
    throw invalidValue('fields', `holds more than ${maxFields} fields`, 'too_many')
  return texts.map((text, at) => parseFieldPath(text.trim(), `fields[${at}]`))
}

/** The document with the selected fields, in its own order, and always with its id. */
export function selectFields(document: JsonObject, fields: readonly FieldPath[]): JsonObject {
  return pick(document, [['id'], ...fields]) as JsonObject
}

function pick(value: Json, paths: readonly FieldPath[]): Json {
  if (!isJsonObject(value) || paths.some((path) => path.length === 0)) return value
  const picked: Record<string, Json> = {}
  for (const [name, member] of Object.entries(value)) {
    const inside = paths.filter((path) => path[0] === name).map((path) => path.slice(1))
    if (inside.length > 0) picked[name] = pick(member, inside)
  }
  return picked
}
