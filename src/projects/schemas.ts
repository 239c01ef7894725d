import Type from 'typebox'
import { passwordLength } from '../platform/passwords.ts'

/** Pieces that the schemas of several routes here share. */
export const closed = { additionalProperties: false } as const

// Control characters and halves of surrogate pairs: PostgreSQL stores neither in text nor in jsonb.
const unstorable = '\\p{Cc}\\p{Cs}'

export const nameSchema = Type.String({
  maxLength: 100,
  pattern: `^[^${unstorable}]*[^\\s${unstorable}][^${unstorable}]*$`,
})

export const emailSchema = Type.String({
  maxLength: 254,
  pattern: `^[^\\s@${unstorable}]+@[^\\s@${unstorable}]+$`,
})

export const idSchema = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })

export const passwordSchema = Type.String({ minLength: passwordLength.min, maxLength: passwordLength.max })

export const oneTimeTokenSchema = Type.String({ minLength: 1, maxLength: 100 })

export const timeSchema = Type.String({ format: 'date-time' })

export const noContentSchema = Type.Null({ description: 'Done; nothing to say.' })

/** Lists are read page by page: `after` is the `nextCursor` of the page before. */
export const pageQuerySchema = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }),
    after: Type.Optional(idSchema),
  },
  closed,
)

export const nextCursorSchema = Type.Union([Type.String(), Type.Null()])

/** Only check what the request asks for, and tell what it would come to. */
export const dryRunQuery = Type.Object({ dryRun: Type.Optional(Type.Boolean()) }, closed)
