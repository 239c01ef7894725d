import Type from 'typebox'
import type { Prisma } from '../platform/generated/client.ts'
import type { HttpServer } from '../platform/http-server.ts'
import { projectRequest } from '../projects/access.ts'
import { closed, emailSchema, passwordSchema } from '../projects/schemas.ts'
import type { Auth } from './auth.ts'
import { captchaTokenSchema, checkCaptcha } from './check-captcha.ts'
import { deviceOf } from './device.ts'
import { checkCredentials } from './password/sign-in.ts'
import { signUp } from './password/sign-up.ts'
import { optionalBody, profileSchema, refParams, sessionSchema, signInDoor } from './schemas.ts'
import { signInAs } from './sessions/open-session.ts'
import { signInAnonymously } from './sign-in-anonymously.ts'

const base = '/v1/projects/:ref/auth'
const tags = ['Auth']

/** Accounts with e-mail and password, and accounts without anything. */
export function registerPasswordRoutes(app: HttpServer, auth: Auth): void {
  app.post(
    `${base}/sign-up`,
    {
      config: signInDoor,
      schema: {
        operationId: 'signUp',
        summary: 'Make an account with e-mail and password',
        tags,
        params: refParams,
        body: Type.Object(
          {
            email: emailSchema,
            password: passwordSchema,
            profile: Type.Optional(profileSchema),
            captchaToken: captchaTokenSchema,
          },
          closed,
        ),
        response: {
          201: sessionSchema,
          202: Type.Object({ verificationRequired: Type.Literal(true) }, closed),
        },
      },
    },
    async (request, reply) => {
      const { project } = projectRequest(request)
      const { profile, captchaToken, ...credentials } = request.body
      await checkCaptcha(auth, project, captchaToken, request.ip)
      const input = { ...credentials, ...(profile && { profile: profile as Prisma.InputJsonObject }) }
      const session = await signUp(auth, project, input, deviceOf(request))
      if (session === null) return reply.code(202).send({ verificationRequired: true })
      return reply.code(201).send(session)
    },
  )

  app.post(
    `${base}/sign-in`,
    {
      config: signInDoor,
      schema: {
        operationId: 'signIn',
        summary: 'Sign in with e-mail and password',
        tags,
        params: refParams,
        body: Type.Object({ email: emailSchema, password: Type.String({ maxLength: 128 }) }, closed),
        response: { 200: sessionSchema },
      },
    },
    async (request) => {
      const { project } = projectRequest(request)
      const device = deviceOf(request)
      const user = await checkCredentials(auth, project, request.body, device)
      return signInAs(auth, project, user, { amr: ['pwd'], assurance: 1 }, device)
    },
  )

  app.post(
    `${base}/sign-in/anonymous`,
    {
      config: signInDoor,
      schema: {
        operationId: 'signInAnonymously',
        summary: 'Become a user without a name, who can be given one later',
        tags,
        params: refParams,
        body: optionalBody(Type.Object({ captchaToken: captchaTokenSchema }, closed)),
        response: { 201: sessionSchema },
      },
    },
    async (request, reply) => {
      const { project } = projectRequest(request)
      await checkCaptcha(auth, project, request.body?.captchaToken, request.ip)
      const session = await signInAnonymously(auth, project, deviceOf(request))
      return reply.code(201).send(session)
    },
  )
}
