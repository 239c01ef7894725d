import { type DataOf, type Field, type Fields, type FieldSettings, type JsonSchema } from './fields.ts'
import { objectSchema, type TargetOf } from './fields.ts'
import type { Path, SystemFields } from './document.ts'

/** Who may do what, in CEL. What has no rule is refused to everyone but secret keys. */
export interface CollectionRules {
  readonly read?: string
  readonly list?: string
  readonly create?: string
  readonly update?: string
  readonly delete?: string
}

/**
 * What makes a query fast or possible: a compound or unique index (`-` before a field sorts it downwards),
 * full text for `$search`, places for `$near` and its kin.
 */
export type CollectionIndex<FieldPath extends string = string> =
  | {
      readonly type?: never
      readonly fields: readonly (FieldPath | `-${FieldPath}`)[]
      readonly unique?: boolean
    }
  | { readonly type: 'search'; readonly fields: readonly FieldPath[]; readonly language?: string }
  | { readonly type: 'geo'; readonly fields: readonly FieldPath[] }

/** A collection as the server stores it. */
export interface CollectionDefinition {
  /** Null, or none: documents aren't validated. */
  readonly schema?: JsonSchema | null
  readonly fields?: Readonly<Record<string, FieldSettings>>
  readonly indexes?: readonly CollectionIndex[]
  readonly rules?: CollectionRules
}

export interface CollectionSchema<F extends Fields = Fields> {
  readonly fields: F
  /** What `basalt.collections.put` sends. */
  readonly definition: CollectionDefinition
}

type CollectionSchemas = Readonly<Record<string, CollectionSchema>>

export interface Schema<C extends CollectionSchemas = CollectionSchemas> {
  readonly collections: C
}

/** The schema of a client that was given none: every collection, every field, no promise about types. */
export type UntypedSchema = Schema<
  Readonly<Record<string, CollectionSchema<Readonly<Record<string, Field<unknown, true>>>>>>
>

export type CollectionName<S extends Schema> = keyof S['collections'] & string
export type FieldsOf<S extends Schema, N extends CollectionName<S>> = S['collections'][N]['fields']

/**
 * Describes a collection.
 *
 * @example
 * collection({ title: string(), author: reference('authors') }, { indexes: [{ fields: ['title'] }] })
 */
export function collection<const F extends Fields>(
  fields: F,
  settings: {
    readonly indexes?: readonly CollectionIndex<Path<DataOf<F> & SystemFields>>[]
    readonly rules?: CollectionRules
  } = {},
): CollectionSchema<F> {
  return {
    fields,
    definition: {
      schema: objectSchema(fields),
      fields: Object.fromEntries(settingsByPath(fields)),
      indexes: settings.indexes ?? [],
      rules: settings.rules ?? {},
    },
  }
}

/** The settings of the fields that have any, by dotted path. */
function settingsByPath(fields: Fields, prefix = ''): [path: string, FieldSettings][] {
  return Object.entries(fields).flatMap(([name, { settings, nested }]) => {
    const path = prefix + name
    const own: [string, FieldSettings][] = Object.keys(settings).length === 0 ? [] : [[path, settings]]
    return [...own, ...settingsByPath(nested, `${path}.`)]
  })
}

/** Turns a collection with a reference to nowhere into a type that says so. */
type WithKnownTargets<C extends CollectionSchemas> = {
  readonly [N in keyof C]: UnknownTarget<C, N> extends never
    ? unknown
    : `There is no collection '${UnknownTarget<C, N>}' to refer to`
}
type UnknownTarget<C extends CollectionSchemas, N extends keyof C> = Exclude<
  { [K in keyof C[N]['fields']]: TargetOf<C[N]['fields'][K]> }[keyof C[N]['fields']],
  keyof C
>

/**
 * The collections of a project, as one value that gives a client its types and a server its definitions.
 *
 * @example
 * const schema = defineSchema({ collections: { posts: collection({ title: string() }) } })
 * const basalt = createClient({ url, project, key, schema })
 */
export function defineSchema<const C extends CollectionSchemas>(schema: {
  readonly collections: C & WithKnownTargets<C>
}): Schema<C> {
  return { collections: schema.collections }
}
