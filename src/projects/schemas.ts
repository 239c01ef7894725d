import Type from 'typebox'
import { passwordLength } from '../platform/passwords.ts'

/** Pieces that the schemas of several routes here share. */
export const closed = { additionalProperties: false } as const

export const nameSchema = Type.String({ minLength: 1, maxLength: 100, pattern: '\\S' })

export const emailSchema = Type.String({ maxLength: 254, pattern: '^[^\\s@]+@[^\\s@]+$' })

export const passwordSchema = Type.String({ minLength: passwordLength.min, maxLength: passwordLength.max })

export const oneTimeTokenSchema = Type.String({ minLength: 1, maxLength: 100 })

export const timeSchema = Type.String({ format: 'date-time' })

export const noContentSchema = Type.Null({ description: 'Done; nothing to say.' })

/** Lists are read page by page: `after` is the `nextCursor` of the page before. */
export const pageQuerySchema = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }),
    after: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  },
  closed,
)

export const nextCursorSchema = Type.Union([Type.String(), Type.Null()])
