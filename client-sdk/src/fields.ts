/** A JSON Schema, as the server validates documents with it. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** A GeoJSON point (RFC 7946): longitude first, then latitude, in degrees. */
export interface Point {
  type: 'Point'
  coordinates: [longitude: number, latitude: number]
}

/** Who may read or write one field: rules in CEL, beside those of the collection. */
export interface FieldRules {
  readonly read?: string
  readonly write?: string
}

export interface FieldSettings extends FieldRules {
  /** The collection that the field's value names a document of. */
  readonly relation?: string
}

declare const carried: unique symbol

/** One field of a collection: what TypeScript knows of it, and the JSON Schema that the server holds it to. */
export interface Field<Value = unknown, Optional extends boolean = boolean, Target extends string = string> {
  readonly [carried]?: { value: Value; optional: Optional; target: Target }
  readonly schema: JsonSchema
  readonly isOptional: boolean
  /** The fields inside, of an object. */
  readonly nested: Fields
  readonly settings: FieldSettings
  /** The field may be missing. */
  optional(): Field<Value, true, Target>
  /** Restricts who reads or writes this field. */
  rules(rules: FieldRules): Field<Value, Optional, Target>
}

export type Fields = Readonly<Record<string, Field>>

type ValueOf<F> = F extends Field<infer Value, boolean, string> ? Value : never
export type TargetOf<F> = F extends Field<unknown, boolean, infer Target> ? Target : never
type OptionalKey<F> = { [K in keyof F]: F[K] extends Field<unknown, true, string> ? K : never }[keyof F]

/** The data that a set of fields describes: what a document holds beside its system fields. */
export type DataOf<F extends Fields> = Simplify<
  { -readonly [K in keyof F as K extends OptionalKey<F> ? never : K]: ValueOf<F[K]> } & {
    -readonly [K in keyof F as K extends OptionalKey<F> ? K : never]?: ValueOf<F[K]>
  }
>

/** Spells an intersection out as one object type, so that editors show fields and not formulas. */
export type Simplify<T> = { [K in keyof T]: T[K] } & {}

type Required<Value, Target extends string = never> = Field<Value, false, Target>

function field<Value, Optional extends boolean, Target extends string>(
  schema: JsonSchema,
  isOptional: Optional,
  settings: FieldSettings = {},
  nested: Fields = {},
): Field<Value, Optional, Target> {
  return {
    schema,
    isOptional,
    nested,
    settings,
    optional: () => field(schema, true, settings, nested),
    rules: (rules) => field(schema, isOptional, { ...settings, ...rules }, nested),
  }
}

/** Text. Lengths count characters. */
export function string(limits: { minLength?: number; maxLength?: number } = {}): Required<string> {
  return field({ type: 'string', ...limits }, false)
}

/** A number: a 64-bit float, as in JSON. */
export function number(limits: { minimum?: number; maximum?: number } = {}): Required<number> {
  return field({ type: 'number', ...limits }, false)
}

/** A whole number. */
export function integer(limits: { minimum?: number; maximum?: number } = {}): Required<number> {
  return field({ type: 'integer', ...limits }, false)
}

export function boolean(): Required<boolean> {
  return field({ type: 'boolean' }, false)
}

/** A moment as ISO 8601 text in UTC: `2030-01-31T12:00:00.000Z`. */
export function timestamp(): Required<string> {
  return field({ type: 'string', format: 'date-time' }, false)
}

/** One of the given strings. */
export function oneOf<const Value extends string>(...values: readonly Value[]): Required<Value> {
  return field({ type: 'string', enum: values }, false)
}

/** A list. Of references, `include` puts the documents in the place of the ids. */
export function array<Value, Target extends string>(
  item: Field<Value, false, Target>,
  limits: { minItems?: number; maxItems?: number; uniqueItems?: boolean } = {},
): Required<Value[], Target> {
  return field({ type: 'array', items: item.schema, ...limits }, false, item.settings)
}

/** An object inside the document; queries reach its fields by dotted paths (`address.city`). */
export function object<const F extends Fields>(fields: F): Required<DataOf<F>> {
  return field(objectSchema(fields), false, {}, fields)
}

/** A place on Earth as a GeoJSON point, for `$near`, `$withinRadius` and `$withinBox`. */
export function point(): Required<Point> {
  const coordinates = { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 }
  const properties = { type: { const: 'Point' }, coordinates }
  const required = ['type', 'coordinates']
  return field({ type: 'object', properties, required, additionalProperties: false }, false)
}

/** The id of a document in another collection, which `include` puts in the place of the id. */
export function reference<const Target extends string>(collection: Target): Required<string, Target> {
  return field({ type: 'string' }, false, { relation: collection })
}

/**
 * Any JSON, for what the other fields can't express.
 * The type is yours to name, the schema is what the server checks: `json<Settings>({ type: 'object' })`.
 */
export function json<Value = unknown>(schema: JsonSchema = {}): Required<Value> {
  return field(schema, false)
}

/** The JSON Schema of an object with exactly these fields. */
export function objectSchema(fields: Fields): JsonSchema {
  const entries = Object.entries(fields)
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
    required: entries.filter(([, { isOptional }]) => !isOptional).map(([name]) => name),
    additionalProperties: false,
  }
}
