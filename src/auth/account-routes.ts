import Type from 'typebox'
import type { HttpServer } from '../platform/http-server.ts'
import { projectRequest } from '../projects/access.ts'
import { closed, emailSchema, noContentSchema, passwordSchema } from '../projects/schemas.ts'
import { resendVerification, verifyEmail } from './account/verify-email.ts'
import type { Auth } from './auth.ts'
import { captchaTokenSchema, checkCaptcha } from './check-captcha.ts'
import { shownCode, shownCodeFields } from './codes/shown-code.ts'
import { deviceOf } from './device.ts'
import { confirmPasswordReset, requestPasswordReset } from './password/reset-password.ts'
import { acceptedSchema, refParams, signInDoor } from './schemas.ts'

const base = '/v1/projects/:ref/auth'
const tags = ['Account']

/** Verified addresses and forgotten passwords. */
export function registerAccountRoutes(app: HttpServer, auth: Auth): void {
  app.post(
    `${base}/email/verify`,
    {
      config: signInDoor,
      schema: {
        operationId: 'verifyEmail',
        summary: 'Show the code that a new address got',
        tags,
        params: refParams,
        body: Type.Object(shownCodeFields, closed),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { project } = projectRequest(request)
      await verifyEmail(auth, project, shownCode(request.body), deviceOf(request))
      return reply.code(204).send(null)
    },
  )

  app.post(
    `${base}/email/resend`,
    {
      config: signInDoor,
      schema: {
        operationId: 'resendVerification',
        summary: 'Have the code for a new address sent again',
        tags,
        params: refParams,
        body: Type.Object({ email: emailSchema, captchaToken: captchaTokenSchema }, closed),
        response: { 202: acceptedSchema },
      },
    },
    async (request, reply) => {
      const { project } = projectRequest(request)
      await checkCaptcha(auth, project, request.body.captchaToken, request.ip)
      await resendVerification(auth, project, request.body.email, deviceOf(request))
      return reply.code(202).send({ accepted: true })
    },
  )

  app.post(
    `${base}/password/reset`,
    {
      config: signInDoor,
      schema: {
        operationId: 'requestPasswordReset',
        summary: 'Have a code sent for a new password',
        tags,
        params: refParams,
        body: Type.Object({ email: emailSchema, captchaToken: captchaTokenSchema }, closed),
        response: { 202: acceptedSchema },
      },
    },
    async (request, reply) => {
      const { project } = projectRequest(request)
      await checkCaptcha(auth, project, request.body.captchaToken, request.ip)
      await requestPasswordReset(auth, project, request.body.email, deviceOf(request))
      return reply.code(202).send({ accepted: true })
    },
  )

  app.post(
    `${base}/password/confirm`,
    {
      config: signInDoor,
      schema: {
        operationId: 'confirmPasswordReset',
        summary: 'Set a new password with the code; all sessions end',
        tags,
        params: refParams,
        body: Type.Object({ ...shownCodeFields, password: passwordSchema }, closed),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { project } = projectRequest(request)
      const { password, ...shown } = request.body
      await confirmPasswordReset(auth, project, shownCode(shown), password, deviceOf(request))
      return reply.code(204).send(null)
    },
  )
}
