import Type, { type Static } from 'typebox'
import { closed, emailSchema, idSchema, passwordSchema, timeSchema } from '../../projects/schemas.ts'
import { phoneSchema, profileSchema, userSchema } from '../schemas.ts'

const base64 = Type.String({ maxLength: 1024, pattern: '^[A-Za-z0-9+/_-]+={0,2}$' })
// PostgreSQL stores neither U+0000 nor halves of surrogate pairs.
const storable = '^[^\\p{Cc}\\p{Cs}]*$'
const text = Type.String({ minLength: 1, maxLength: 255, pattern: storable })

const rolesSchema = Type.Array(Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,64}$' }), {
  maxItems: 50,
  uniqueItems: true,
})

/**
 * A hash that another system made. The bounds on cost are those of what one sign-in may take from the server: 256 MiB
 * of memory, some seconds.
 */
const passwordHashSchema = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('argon2'),
      hash: Type.String({
        maxLength: 300,
        pattern:
          '^\\$argon2(id|i|d)\\$v=19\\$m=([1-9]\\d{0,4}|1\\d{5}|2[0-5]\\d{4}|26[01]\\d{3}|262144),(t=([1-9]|1\\d),p=[1-8]|p=[1-8],t=([1-9]|1\\d))\\$[A-Za-z0-9+/]{11,86}\\$[A-Za-z0-9+/]{22,172}$',
      }),
    },
    closed,
  ),
  Type.Object(
    {
      kind: Type.Literal('bcrypt'),
      hash: Type.String({ pattern: '^\\$2[aby]\\$(0[4-9]|1[0-4])\\$[./A-Za-z0-9]{53}$' }),
    },
    closed,
  ),
  Type.Object(
    {
      kind: Type.Literal('pbkdf2'),
      digest: Type.Union([Type.Literal('sha1'), Type.Literal('sha256'), Type.Literal('sha512')]),
      iterations: Type.Integer({ minimum: 1, maximum: 2_000_000 }),
      salt: base64,
      hash: base64,
    },
    closed,
  ),
  Type.Object(
    {
      kind: Type.Literal('firebase-scrypt'),
      salt: base64,
      hash: base64,
      signerKey: base64,
      saltSeparator: base64,
      rounds: Type.Integer({ minimum: 1, maximum: 16 }),
      memoryCost: Type.Integer({ minimum: 1, maximum: 17 }),
    },
    closed,
  ),
])

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])

/** What a server may set of a user. */
const writable = {
  email: Type.Optional(nullable(emailSchema)),
  isEmailVerified: Type.Optional(Type.Boolean()),
  phone: Type.Optional(nullable(phoneSchema)),
  isPhoneVerified: Type.Optional(Type.Boolean()),
  profile: Type.Optional(profileSchema),
  roles: Type.Optional(rolesSchema),
  claims: Type.Optional(profileSchema),
  suspended: Type.Optional(Type.Boolean()),
}

export const newUserSchema = Type.Object(
  {
    id: Type.Optional(idSchema),
    ...writable,
    password: Type.Optional(passwordSchema),
    passwordHash: Type.Optional(passwordHashSchema),
  },
  closed,
)

export type NewUserInput = Static<typeof newUserSchema>

/** A line of an import. */
export const importedUserSchema = Type.Object(
  {
    id: Type.Optional(idSchema),
    ...writable,
    passwordHash: Type.Optional(passwordHashSchema),
    createdAt: Type.Optional(timeSchema),
    identities: Type.Optional(
      Type.Array(
        Type.Object({ provider: text, subject: text, email: Type.Optional(nullable(emailSchema)) }, closed),
        { maxItems: 20 },
      ),
    ),
  },
  closed,
)

export type ImportedUser = Static<typeof importedUserSchema>

export const userPatchSchema = Type.Object({ ...writable, password: Type.Optional(passwordSchema) }, closed)

export type UserPatch = Static<typeof userPatchSchema>

/** A user as servers and operators see one. */
export const managedUserSchema = Type.Object(
  {
    ...userSchema.properties,
    suspendedAt: nullable(timeSchema),
    hasPassword: Type.Boolean(),
    hasSecondFactor: Type.Boolean(),
    identities: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          provider: Type.String(),
          subject: Type.String(),
          email: nullable(Type.String()),
        },
        closed,
      ),
    ),
  },
  closed,
)

export const userListQuerySchema = Type.Object(
  {
    email: Type.Optional(
      Type.String({ maxLength: 254, pattern: storable, description: 'What the address begins with' }),
    ),
    phone: Type.Optional(
      Type.String({ pattern: '^\\+?\\d{0,15}$', description: 'What the number begins with' }),
    ),
    id: Type.Optional(idSchema),
    suspended: Type.Optional(Type.Boolean()),
    anonymous: Type.Optional(Type.Boolean()),
    role: Type.Optional(Type.String({ maxLength: 64, pattern: storable })),
    count: Type.Optional(Type.Boolean({ description: 'Also say how many there are' })),
    limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }),
    after: Type.Optional(Type.String({ maxLength: 100, description: 'The nextCursor of the page before' })),
  },
  closed,
)

export type UserListQuery = Static<typeof userListQuerySchema>
