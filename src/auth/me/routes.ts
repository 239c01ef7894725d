import Type from 'typebox'
import { invalidValue } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import { closed, emailSchema, noContentSchema, passwordSchema } from '../../projects/schemas.ts'
import { requestEmailChange } from '../account/change-email.ts'
import type { Auth } from '../auth.ts'
import { deviceOf } from '../device.ts'
import { notSignedIn } from '../errors.ts'
import { changePassword } from '../password/change-password.ts'
import { presentUser } from '../present-user.ts'
import { requireFreshProof } from '../require-fresh-proof.ts'
import {
  firstFactorDoor,
  optionalBody,
  profileSchema,
  refParams,
  sessionSchema,
  signInDoor,
  userRequest,
  userSchema,
} from '../schemas.ts'
import { changeProfile } from './change-profile.ts'
import { deleteAccount } from './delete-account.ts'
import { exportAccount, exportSchema } from './export-account.ts'
import { upgradeAccount } from './upgrade-account.ts'

const me = '/v1/projects/:ref/auth/me'
const tags = ['Account']
const typedPassword = Type.String({ maxLength: 128 })

/** The signed-in user's own account. */
export function registerMeRoutes(app: HttpServer, auth: Auth): void {
  app.get(
    me,
    {
      config: firstFactorDoor,
      schema: {
        operationId: 'getMe',
        summary: 'Who you are',
        tags,
        params: refParams,
        response: { 200: userSchema },
      },
    },
    async (request) => {
      const { project, user } = userRequest(request)
      return readMe(auth, project, user)
    },
  )

  app.patch(
    me,
    {
      config: signInDoor,
      schema: {
        operationId: 'changeMe',
        summary: 'Change your profile, your password, or (once its code is shown) your e-mail address',
        tags,
        params: refParams,
        body: Type.Object(
          {
            profile: Type.Optional(profileSchema),
            password: Type.Optional(passwordSchema),
            currentPassword: Type.Optional(typedPassword),
            email: Type.Optional(emailSchema),
          },
          closed,
        ),
        response: { 200: userSchema },
      },
    },
    async (request) => {
      const { project, user } = userRequest(request)
      const { profile, password, currentPassword, email } = request.body
      const device = deviceOf(request)
      // What may be refused comes before what changes something.
      if (currentPassword !== undefined && password === undefined) {
        throw invalidValue('password', 'is missing beside the present one', 'required')
      }
      if (email !== undefined) requireFreshProof(user)
      if (profile !== undefined) await changeProfile(auth, project, user, profile)
      if (password !== undefined) {
        const change = { password, ...(currentPassword !== undefined && { currentPassword }) }
        await changePassword(auth, project, user, change, device)
      }
      if (email !== undefined) await requestEmailChange(auth, project, user, email, device)
      return readMe(auth, project, user)
    },
  )

  app.delete(
    me,
    {
      config: signInDoor,
      schema: {
        operationId: 'deleteMe',
        summary: 'Delete your account for good, on a fresh proof of who you are or your password',
        tags,
        params: refParams,
        body: optionalBody(Type.Object({ password: Type.Optional(typedPassword) }, closed)),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { project, user } = userRequest(request)
      await deleteAccount(auth, project, user, request.body?.password, request)
      return reply.code(204).send(null)
    },
  )

  app.get(
    `${me}/export`,
    {
      config: signInDoor,
      schema: {
        operationId: 'exportMe',
        summary: 'All that is known of your account',
        tags,
        params: refParams,
        response: { 200: exportSchema },
      },
    },
    async (request) => {
      const { project, user } = userRequest(request)
      return exportAccount(auth, project, user)
    },
  )

  app.post(
    `${me}/upgrade`,
    {
      config: signInDoor,
      schema: {
        operationId: 'upgradeMe',
        summary: 'Give an anonymous account e-mail and password; it keeps its id and data',
        tags,
        params: refParams,
        body: Type.Object({ email: emailSchema, password: passwordSchema }, closed),
        response: {
          200: sessionSchema,
          202: Type.Object({ verificationRequired: Type.Literal(true) }, closed),
        },
      },
    },
    async (request, reply) => {
      const { project, user } = userRequest(request)
      const session = await upgradeAccount(auth, project, user, request.body, deviceOf(request))
      if (session === null) return reply.code(202).send({ verificationRequired: true })
      return reply.code(200).send(session)
    },
  )
}

async function readMe({ services }: Auth, project: Project, { uid }: UserActor) {
  const user = await services.control.user.findUnique({ where: { id: uid, projectId: project.id } })
  if (user === null) throw notSignedIn()
  return presentUser(user)
}
