import Type from 'typebox'
import { invalidValue } from '../platform/errors.ts'
import type { HttpServer } from '../platform/http-server.ts'
import { projectRequest } from '../projects/access.ts'
import { closed, emailSchema } from '../projects/schemas.ts'
import type { Auth } from './auth.ts'
import { captchaTokenSchema, checkCaptcha } from './check-captcha.ts'
import { requestMagicLink, requestSignInCode, signInByCode } from './codes/sign-in-by-code.ts'
import { given, shownCode, shownCodeFields } from './codes/shown-code.ts'
import { deviceOf } from './device.ts'
import { acceptedSchema, phoneSchema, refParams, sessionSchema, signInDoor } from './schemas.ts'
import type { ProvenAddress } from './users/prove-address.ts'

const base = '/v1/projects/:ref/auth'
const tags = ['Auth']

/** Signing in with what arrives by mail or SMS. */
export function registerCodeRoutes(app: HttpServer, auth: Auth): void {
  app.post(
    `${base}/sign-in/otp`,
    {
      config: signInDoor,
      schema: {
        operationId: 'requestSignInCode',
        summary: 'Have a code sent by mail or SMS',
        tags,
        params: refParams,
        body: Type.Object(
          {
            email: Type.Optional(emailSchema),
            phone: Type.Optional(phoneSchema),
            captchaToken: captchaTokenSchema,
          },
          closed,
        ),
        response: { 202: acceptedSchema },
      },
    },
    async (request, reply) => {
      const { project } = projectRequest(request)
      const { captchaToken, ...address } = request.body
      const to = recipientOf(address)
      await checkCaptcha(auth, project, captchaToken, request.ip)
      await requestSignInCode(auth, project, to, deviceOf(request))
      return reply.code(202).send({ accepted: true })
    },
  )

  app.post(
    `${base}/sign-in/magic-link`,
    {
      config: signInDoor,
      schema: {
        operationId: 'requestMagicLink',
        summary: 'Have a link sent that signs in',
        tags,
        params: refParams,
        body: Type.Object(
          {
            email: emailSchema,
            redirectTo: Type.Optional(Type.String({ maxLength: 2048 })),
            captchaToken: captchaTokenSchema,
          },
          closed,
        ),
        response: { 202: acceptedSchema },
      },
    },
    async (request, reply) => {
      const { project } = projectRequest(request)
      await checkCaptcha(auth, project, request.body.captchaToken, request.ip)
      await requestMagicLink(auth, project, request.body, deviceOf(request))
      return reply.code(202).send({ accepted: true })
    },
  )

  app.post(
    `${base}/verify`,
    {
      config: signInDoor,
      schema: {
        operationId: 'signInByCode',
        summary: 'Sign in with a code or the token of a link; an unknown address becomes an account',
        tags,
        params: refParams,
        body: Type.Object({ ...shownCodeFields, phone: Type.Optional(phoneSchema) }, closed),
        response: { 200: sessionSchema },
      },
    },
    async (request) => {
      const { project, actor } = projectRequest(request)
      const anonymousId = actor.kind === 'user' && actor.isAnonymous ? actor.uid : undefined
      const { phone, ...shown } = request.body
      const proof =
        phone === undefined
          ? shownCode(shown)
          : { ...recipientOf({ ...shown, phone }), code: given('code', shown.code) }
      return signInByCode(auth, project, proof, deviceOf(request), anonymousId)
    },
  )
}

function recipientOf({ email, phone }: { email?: string; phone?: string }): ProvenAddress {
  if (phone === undefined) return { email: given('email', email) }
  if (email !== undefined) throw invalidValue('phone', 'can’t be together with an e-mail', 'not_allowed')
  return { phone }
}
