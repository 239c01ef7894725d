import { isDeepStrictEqual } from 'node:util'
import type { Collection, FieldDefinition, IndexDefinition, JsonSchema } from './definitions.ts'
import { isRecord } from './private-file.ts'
import { call, literal, objectOf, type Piece } from './write-code.ts'

/** `schema.ts` for these collections: what the SDK's builders make of it is exactly what is given. */
export function writeSchema(collections: readonly Collection[]): string {
  const used = new Set<string>(['defineSchema'])
  const entries = collections.map(({ name, ...definition }): [string, Piece] => [
    name,
    writeCollection(definition, used),
  ])
  const body = call('defineSchema', [objectOf([['collections', objectOf(entries)]])]).print(0)
  const imports = [...used].sort((a, b) => a.localeCompare(b)).join(', ')
  return `import { ${imports} } from '@basalt/client'

export const schema = ${body}
`
}

function writeCollection(definition: Omit<Collection, 'name'>, used: Set<string>): Piece {
  const { schema = null, fields = {} } = definition
  const indexes = (definition.indexes ?? []).map(withoutDefaults)
  const rules = inOrder(definition.rules ?? {}, ['read', 'list', 'create', 'update', 'delete'])
  const written = schema === null ? undefined : writeFields(schema, fields, used)
  // What the builders can't say stands there as the server has it.
  if (written === undefined) {
    return objectOf([
      ['fields', objectOf([])],
      ['definition', literal({ schema, indexes, rules, fields })],
    ])
  }
  used.add('collection')
  const settings: [string, Piece][] = [
    ...(indexes.length === 0 ? [] : [['indexes', literal(indexes)] satisfies [string, Piece]]),
    ...(Object.keys(rules).length === 0 ? [] : [['rules', literal(rules)] satisfies [string, Piece]]),
  ]
  return call('collection', [written, ...(settings.length === 0 ? [] : [objectOf(settings)])])
}

function withoutDefaults({ type, fields, unique, language }: IndexDefinition): IndexDefinition {
  return {
    ...(type !== undefined && type !== 'ordered' && { type }),
    fields,
    ...(unique === true && { unique }),
    ...(language !== undefined && { language }),
  }
}

/** The database sorts keys by their length; people don't. */
export function inOrder(
  record: Readonly<Record<string, string>>,
  keys: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    keys.flatMap((key) => (record[key] === undefined ? [] : [[key, record[key]] as const])),
  )
}

/** Undefined unless the builders give back just this schema with just these settings. */
function writeFields(
  schema: JsonSchema,
  settings: Readonly<Record<string, FieldDefinition>>,
  used: Set<string>,
): Piece | undefined {
  const own = new Set<string>()
  const unused = new Map(Object.entries(settings))
  const take = (path: string): FieldDefinition => {
    const found = unused.get(path) ?? {}
    unused.delete(path)
    return found
  }
  const written = writeObject(schema, '', take, own)
  if (written === undefined || unused.size > 0) return undefined
  for (const name of own) used.add(name)
  return written
}

type Take = (path: string) => FieldDefinition

function writeObject(schema: JsonSchema, prefix: string, take: Take, used: Set<string>): Piece | undefined {
  const properties = orderedProperties(schema)
  if (properties === undefined) return undefined
  const required = new Set(schema['required'] as string[])
  const entries: [string, Piece][] = []
  for (const [name, field] of properties) {
    const written = writeField(field, prefix + name, take, used)
    if (written === undefined) return undefined
    entries.push([name, required.has(name) ? written : written.followedBy('.optional()')])
  }
  return objectOf(entries)
}

/**
 * The properties of an object with just its fields, those that are required in the order in which they are: the
 * database sorts keys, but not lists. Undefined for any other schema.
 */
function orderedProperties(schema: JsonSchema): [string, JsonSchema][] | undefined {
  const { type, properties, required, additionalProperties, ...rest } = schema
  if (type !== 'object' || additionalProperties !== false || Object.keys(rest).length > 0) return undefined
  if (!isRecord(properties) || !Array.isArray(required)) return undefined
  const known = new Map(Object.entries(properties))
  // Numbers come first in any object of JavaScript, whatever the order in which they were written.
  if ([...known.keys()].some((name) => /^\d+$/.test(name))) return undefined
  const names = required.map(String)
  if (new Set(names).size !== names.length || !names.every((name) => known.has(name))) return undefined
  const order = [...names, ...[...known.keys()].filter((name) => !names.includes(name))]
  const ordered = order.map((name): [string, unknown] => [name, known.get(name)])
  return ordered.every((entry): entry is [string, JsonSchema] => isRecord(entry[1])) ? ordered : undefined
}

function writeField(schema: JsonSchema, path: string, take: Take, used: Set<string>): Piece | undefined {
  const { relation, read, write } = take(path)
  const written = writeType(schema, relation, path, take, used)
  if (written === undefined) return undefined
  const rules = { ...(read !== undefined && { read }), ...(write !== undefined && { write }) }
  return Object.keys(rules).length === 0 ? written : written.followedBy('.rules', [literal(rules)])
}

const point = {
  type: 'object',
  properties: {
    type: { const: 'Point' },
    coordinates: { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
  },
  required: ['type', 'coordinates'],
  additionalProperties: false,
}

/** The builders, and the keywords that each of them takes. */
const limits = new Map([
  ['string', ['minLength', 'maxLength']],
  ['number', ['minimum', 'maximum']],
  ['integer', ['minimum', 'maximum']],
  ['boolean', []],
])

function writeType(
  schema: JsonSchema,
  relation: string | undefined,
  path: string,
  take: Take,
  used: Set<string>,
): Piece | undefined {
  const build = (name: string, args: Piece[] = []): Piece => {
    used.add(name)
    return call(name, args)
  }
  const { type, ...rest } = schema
  if (relation !== undefined) return writeReference(schema, relation, build)
  if (isDeepStrictEqual(schema, point)) return build('point')
  if (type === 'string' && isDeepStrictEqual(rest, { format: 'date-time' })) return build('timestamp')
  if (type === 'string' && Object.keys(rest).join() === 'enum' && isListOfTexts(rest['enum'])) {
    return build('oneOf', rest['enum'].map(literal))
  }
  const known = typeof type === 'string' ? limits.get(type) : undefined
  if (
    typeof type === 'string' &&
    known !== undefined &&
    Object.keys(rest).every((key) => known.includes(key))
  ) {
    return build(type, Object.keys(rest).length === 0 ? [] : [literal(rest)])
  }
  const { items, ...bounds } = rest
  if (type === 'array' && isRecord(items)) {
    const takeNothing = (): FieldDefinition => ({})
    const item = writeType(items, undefined, path, takeNothing, used)
    if (item !== undefined && areBounds(bounds)) {
      return build('array', [item, ...(Object.keys(bounds).length === 0 ? [] : [literal(bounds)])])
    }
  }
  const inside = writeObject(schema, `${path}.`, take, used)
  return inside === undefined ? build('json', [literal(schema)]) : build('object', [inside])
}

/** A reference is a text, or a list of them. */
function writeReference(
  schema: JsonSchema,
  relation: string,
  build: (name: string, args?: Piece[]) => Piece,
): Piece | undefined {
  const text = { type: 'string' }
  if (isDeepStrictEqual(schema, text)) return build('reference', [literal(relation)])
  const { type, items, ...bounds } = schema
  if (type !== 'array' || !isDeepStrictEqual(items, text) || !areBounds(bounds)) return undefined
  const item = build('reference', [literal(relation)])
  return build('array', [item, ...(Object.keys(bounds).length === 0 ? [] : [literal(bounds)])])
}

function areBounds(rest: object): boolean {
  return Object.keys(rest).every((key) => ['minItems', 'maxItems', 'uniqueItems'].includes(key))
}

function isListOfTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string')
}
