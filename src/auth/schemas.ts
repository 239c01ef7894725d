import Type, { type TSchema } from 'typebox'
import { projectRequest } from '../projects/access.ts'
import type { UserActor } from '../projects/actor.ts'
import type { Project } from '../projects/project.ts'
import { closed, timeSchema } from '../projects/schemas.ts'
import type { FastifyRequest } from 'fastify'
import { notSignedIn } from './errors.ts'

export const refParams = Type.Object({ ref: Type.String({ maxLength: 64 }) })

/** What users say of themselves: any JSON, small. */
export const profileSchema = Type.Record(Type.String({ maxLength: 64 }), Type.Unknown(), {
  maxProperties: 50,
})

/** A body that may be left out: Fastify hands null to the validator then. */
export const optionalBody = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const userSchema = Type.Object(
  {
    id: Type.String(),
    email: Type.Union([Type.String(), Type.Null()]),
    isEmailVerified: Type.Boolean(),
    phone: Type.Union([Type.String(), Type.Null()]),
    isPhoneVerified: Type.Boolean(),
    isAnonymous: Type.Boolean(),
    profile: Type.Unknown(),
    roles: Type.Array(Type.String()),
    claims: Type.Unknown(),
    createdAt: timeSchema,
    updatedAt: timeSchema,
    lastSignInAt: Type.Union([timeSchema, Type.Null()]),
  },
  closed,
)

/** A session, as every way in answers it. */
export const sessionSchema = Type.Object(
  {
    user: userSchema,
    accessToken: Type.String(),
    refreshToken: Type.String(),
    expiresAt: timeSchema,
    factorRequired: Type.Boolean({ description: 'Show or set up a second factor before anything else.' }),
  },
  closed,
)

/** Sign-in routes: the publishable key names the project, and nobody is asked who they are. */
export const signInDoor = { access: { door: 'project', scope: 'users:write', clients: true } } as const

/** What a user may do who still owes the second factor: see who they are, show or set one up, leave. */
export const firstFactorDoor = { access: { ...signInDoor.access, firstFactor: true } } as const

/** The signed-in user of the request. Throws 401 for everybody else, servers included. */
export function userRequest(request: FastifyRequest): { project: Project; user: UserActor } {
  const { project, actor } = projectRequest(request)
  if (actor.kind !== 'user') throw notSignedIn()
  return { project, user: actor }
}

/** The same for everybody, whatever there is to send. */
export const acceptedSchema = Type.Object({ accepted: Type.Literal(true) }, closed)

/** As mails and messages show it. */
export const codeSchema = Type.String({ pattern: '^[0-9]{6}$' })

/** As links carry it. */
export const linkTokenSchema = Type.String({ minLength: 1, maxLength: 2048, pattern: '^[A-Za-z0-9._-]+$' })

/** E.164. */
export const phoneSchema = Type.String({ pattern: '^\\+[1-9][0-9]{6,14}$' })
