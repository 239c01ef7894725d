import { Type, type Static } from 'typebox'

export const actions = ['read', 'list', 'create', 'update', 'delete'] as const

/** What a rule decides about: one document, a query, and the three writes. */
export type Action = (typeof actions)[number]

/** A collection's name. `[a-z][a-z0-9_]{0,47}` leaves no room for the internal tables, which start with `_`. */
export const collectionName = Type.String({
  pattern: '^[a-z][a-z0-9_]{0,47}$',
  description: 'Name of a collection',
})

const Rule = Type.String({ maxLength: 4096, description: 'A CEL expression; absent means no' })

const FieldPath = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'A dotted path such as address.city',
})

const Index = Type.Object(
  {
    type: Type.Optional(
      Type.Union([Type.Literal('ordered'), Type.Literal('search'), Type.Literal('geo')], {
        default: 'ordered',
      }),
    ),
    fields: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
      minItems: 1,
      maxItems: 8,
      description: 'Dotted paths; `-` before one means descending',
    }),
    unique: Type.Optional(Type.Boolean({ description: 'Documents that lack one of the fields are exempt' })),
    language: Type.Optional(
      Type.String({ pattern: '^[a-z]{2,20}$', description: 'Text search configuration of a search index' }),
    ),
  },
  { additionalProperties: false },
)

const Field = Type.Object(
  {
    read: Type.Optional(Rule),
    write: Type.Optional(Rule),
    relation: Type.Optional(collectionName),
  },
  { additionalProperties: false },
)

/** What a collection is declared as: `PUT /v1/projects/{ref}/collections/{name}`. */
export const CollectionDefinition = Type.Object(
  {
    schema: Type.Optional(
      Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()], {
        description: 'JSON Schema 2020-12 of the data, without the system fields',
      }),
    ),
    indexes: Type.Optional(Type.Array(Index, { maxItems: 32 })),
    rules: Type.Optional(
      Type.Object(
        {
          read: Type.Optional(Rule),
          list: Type.Optional(Rule),
          create: Type.Optional(Rule),
          update: Type.Optional(Rule),
          delete: Type.Optional(Rule),
        },
        { additionalProperties: false, description: 'Who may do what. Default deny.' },
      ),
    ),
    fields: Type.Optional(
      Type.Record(FieldPath, Field, {
        description: 'Rules of single fields, and the collections that fields refer to',
      }),
    ),
  },
  { additionalProperties: false },
)

export type CollectionDefinition = Static<typeof CollectionDefinition>
export type IndexDefinition = Static<typeof Index>
type FieldDefinition = Static<typeof Field>

/** A definition in which nothing is left out: what is stored. */
export interface CompleteDefinition {
  schema: Readonly<Record<string, unknown>> | null
  indexes: readonly IndexDefinition[]
  rules: Readonly<Partial<Record<Action, string>>>
  fields: Readonly<Record<string, FieldDefinition>>
}

export function completeDefinition(definition: CollectionDefinition): CompleteDefinition {
  return {
    schema: definition.schema ?? null,
    indexes: definition.indexes ?? [],
    rules: definition.rules ?? {},
    fields: definition.fields ?? {},
  }
}
