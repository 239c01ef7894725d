import { Type } from 'typebox'
import { actions, collectionName } from './collections/collection-definition.ts'

export const projectRef = Type.String({ maxLength: 64, description: 'The project' })

/** Not by pattern: what can't be a collection is one that doesn't exist, 404. */
const anyName = Type.String({ maxLength: 128, description: 'The collection' })

export const CollectionParams = Type.Object({ ref: projectRef, collection: anyName })

export const DefinitionParams = Type.Object({ ref: projectRef, collection: collectionName })

export const DocumentParams = Type.Object({
  ref: projectRef,
  collection: anyName,
  id: Type.String({ maxLength: 128, description: 'The document' }),
})

/** Data of a document, or a patch of it. */
export const DocumentBody = Type.Record(Type.String(), Type.Unknown(), {
  description: 'Fields of the document',
})

/** As it is stored: system fields beside the data. Answers are sent as text, so these describe and don't serialize. */
const Document = Type.Object(
  { id: Type.String(), createdAt: Type.String(), updatedAt: Type.String(), version: Type.Integer() },
  { additionalProperties: true },
)

export const documentAnswers = { 200: Document, 201: Document } as const

export const readAnswers = {
  200: Document,
  304: Type.Null({ description: 'It is still the version of If-None-Match' }),
} as const

export const pageAnswer = {
  200: Type.Object({
    documents: Type.Array(Document),
    nextCursor: Type.Union([Type.String(), Type.Null()]),
    count: Type.Optional(Type.Integer()),
  }),
} as const

const Paths = Type.Array(Type.String({ maxLength: 400 }), { maxItems: 100 })

/** The query string of a list, in which `where` is JSON and lists are separated by commas. */
export const ListQuery = Type.Object(
  {
    where: Type.Optional(Type.String({ description: 'A filter as JSON' })),
    sort: Type.Optional(Type.String({ maxLength: 1000, description: '`-createdAt,title`' })),
    limit: Type.Optional(Type.Integer({ minimum: 1 })),
    after: Type.Optional(
      Type.String({ maxLength: 16_384, description: 'The `nextCursor` of the page before' }),
    ),
    fields: Type.Optional(Type.String({ maxLength: 4000 })),
    include: Type.Optional(Type.String({ maxLength: 4000 })),
    count: Type.Optional(Type.Boolean({ description: 'Count all matches too' })),
    key: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)

/** The same as a body, for filters that are too long for an address. */
export const QueryBody = Type.Object(
  {
    where: Type.Optional(Type.Unknown({ description: 'A filter' })),
    sort: Type.Optional(Type.Union([Type.String({ maxLength: 1000 }), Paths])),
    limit: Type.Optional(Type.Integer({ minimum: 1 })),
    after: Type.Optional(Type.String({ maxLength: 16_384 })),
    fields: Type.Optional(Type.Union([Type.String({ maxLength: 4000 }), Paths])),
    include: Type.Optional(Type.Union([Type.String({ maxLength: 4000 }), Paths])),
    count: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

export const ShapeQuery = Type.Object(
  {
    fields: Type.Optional(Type.String({ maxLength: 4000 })),
    include: Type.Optional(Type.String({ maxLength: 4000 })),
    key: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)

export const TransactionBody = Type.Object(
  {
    operations: Type.Array(
      Type.Object(
        {
          op: Type.Union([
            Type.Literal('create'),
            Type.Literal('update'),
            Type.Literal('replace'),
            Type.Literal('delete'),
            Type.Literal('check'),
          ]),
          collection: Type.String({ maxLength: 128 }),
          id: Type.Optional(Type.String({ maxLength: 128 })),
          data: Type.Optional(DocumentBody),
          ifVersion: Type.Optional(Type.Integer({ minimum: 1 })),
        },
        { additionalProperties: false },
      ),
      { minItems: 1 },
    ),
  },
  { additionalProperties: false },
)

export const ExplainBody = Type.Object(
  {
    action: Type.Union(actions.map((action) => Type.Literal(action))),
    actor: Type.Union([
      Type.Null({ description: 'The anonymous' }),
      Type.Object(
        {
          uid: Type.String({ maxLength: 128 }),
          email: Type.Optional(Type.Union([Type.String({ maxLength: 320 }), Type.Null()])),
          roles: Type.Optional(Type.Array(Type.String({ maxLength: 128 }), { maxItems: 100 })),
          claims: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
        },
        { additionalProperties: false },
      ),
    ]),
    id: Type.Optional(Type.String({ maxLength: 64, description: 'A stored document, as `doc` or `before`' })),
    data: Type.Optional(DocumentBody),
  },
  { additionalProperties: false },
)
