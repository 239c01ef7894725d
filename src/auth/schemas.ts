import Type from 'typebox'
import { projectRequest } from '../projects/access.ts'
import type { UserActor } from '../projects/actor.ts'
import type { Project } from '../projects/project.ts'
import { closed, emailSchema, passwordSchema, timeSchema } from '../projects/schemas.ts'
import type { FastifyRequest } from 'fastify'
import { notSignedIn } from './errors.ts'

export const refParams = Type.Object({ ref: Type.String({ maxLength: 64 }) })

/** What users say of themselves: any JSON, small. */
export const profileSchema = Type.Record(Type.String({ maxLength: 64 }), Type.Unknown(), {
  maxProperties: 50,
})

export const credentialsSchema = Type.Object({ email: emailSchema, password: passwordSchema }, closed)

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
  { user: userSchema, accessToken: Type.String(), refreshToken: Type.String(), expiresAt: timeSchema },
  closed,
)

/** Sign-in routes: the publishable key names the project, and nobody is asked who they are. */
export const signInDoor = { access: { door: 'project', scope: 'users:write', clients: true } } as const

/** The signed-in user of the request. Throws 401 for everybody else, servers included. */
export function userRequest(request: FastifyRequest): { project: Project; user: UserActor } {
  const { project, actor } = projectRequest(request)
  if (actor.kind !== 'user') throw notSignedIn()
  return { project, user: actor }
}
