import Type from 'typebox'
import { invalidValue } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import { closed, idSchema, nameSchema, noContentSchema, timeSchema } from '../../projects/schemas.ts'
import type { Auth } from '../auth.ts'
import { given } from '../codes/shown-code.ts'
import { deviceOf } from '../device.ts'
import { authenticationResponse, optionsSchema, toCredential } from '../passkeys/schemas.ts'
import {
  firstFactorDoor,
  optionalBody,
  refParams,
  sessionSchema,
  signInDoor,
  userRequest,
} from '../schemas.ts'
import { confirmTotp, enrolTotp } from './enrol-totp.ts'
import { renewRecoveryCodes } from './recovery-codes.ts'
import { removeTotp } from './remove-totp.ts'
import { renewProof } from './renew-proof.ts'
import { stepUp } from './step-up.ts'
import { useFactorCode } from './use-factor-code.ts'
import { ownPasskeyOptions, requireMfa, useOwnPasskey } from './use-passkey.ts'

const base = '/v1/projects/:ref/auth'
const tags = ['Second factors']

const codeSchema = Type.String({ minLength: 6, maxLength: 32 })
const recoveryCodesSchema = Type.Array(Type.String(), { description: 'Each works once. Shown only here.' })
const factorParams = Type.Object({ ref: Type.String({ maxLength: 64 }), id: idSchema })

const factorSchema = Type.Object(
  {
    id: Type.String(),
    kind: Type.Literal('totp'),
    name: Type.String(),
    createdAt: timeSchema,
    isConfirmed: Type.Boolean(),
  },
  closed,
)

/** Authenticator apps and recovery codes, and proving again who is there. */
export function registerFactorRoutes(app: HttpServer, auth: Auth): void {
  const { control } = auth.services

  app.get(
    `${base}/factors`,
    {
      config: firstFactorDoor,
      schema: {
        operationId: 'listFactors',
        summary: 'Your second factors',
        tags,
        params: refParams,
        response: {
          200: Type.Object({ factors: Type.Array(factorSchema), recoveryCodesLeft: Type.Integer() }, closed),
        },
      },
    },
    async (request) => {
      const { uid } = userRequest(request).user
      const rows = await control.factor.findMany({ where: { userId: uid }, orderBy: { id: 'asc' } })
      const factors = rows
        .filter(({ kind }) => kind === 'totp')
        .map(({ id, name, createdAt, confirmedAt }) => ({
          id,
          kind: 'totp' as const,
          name,
          createdAt: createdAt.toISOString(),
          isConfirmed: confirmedAt !== null,
        }))
      return { factors, recoveryCodesLeft: rows.length - factors.length }
    },
  )

  app.post(
    `${base}/factors/totp`,
    {
      config: firstFactorDoor,
      schema: {
        operationId: 'enrolTotp',
        summary: 'Begin to set up an authenticator app',
        tags,
        params: refParams,
        body: optionalBody(Type.Object({ name: Type.Optional(nameSchema) }, closed)),
        response: {
          201: Type.Object(
            {
              id: Type.String(),
              secret: Type.String({ description: 'Base32, for typing.' }),
              uri: Type.String({ description: 'otpauth://…, for a QR code.' }),
            },
            closed,
          ),
        },
      },
    },
    async (request, reply) => {
      const { project, user } = userRequest(request)
      const enrolled = await enrolTotp(auth, project, user, request.body?.name ?? 'Authenticator app')
      return reply.code(201).send(enrolled)
    },
  )

  app.post(
    `${base}/factors/:id/confirm`,
    {
      config: firstFactorDoor,
      schema: {
        operationId: 'confirmTotp',
        summary: 'Finish setting up an authenticator app, by its first code',
        tags,
        params: factorParams,
        body: Type.Object({ code: codeSchema }, closed),
        response: {
          200: Type.Object(
            { session: sessionSchema, recoveryCodes: Type.Union([recoveryCodesSchema, Type.Null()]) },
            closed,
          ),
        },
      },
    },
    async (request) => {
      const { project, user } = userRequest(request)
      const input = { id: request.params.id, code: request.body.code }
      const change = { project, actor: user, request }
      return confirmTotp(auth, change, input, deviceOf(request).languages)
    },
  )

  app.delete(
    `${base}/factors/:id`,
    {
      config: signInDoor,
      schema: {
        operationId: 'removeFactor',
        summary: 'Remove an authenticator app',
        tags,
        params: factorParams,
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { project, user } = userRequest(request)
      const change = { project, actor: user, request }
      await removeTotp(auth, change, request.params.id, deviceOf(request).languages)
      return reply.code(204).send(null)
    },
  )

  app.post(
    `${base}/factors/recovery-codes`,
    {
      config: signInDoor,
      schema: {
        operationId: 'replaceRecoveryCodes',
        summary: 'New recovery codes in the place of the old ones',
        tags,
        params: refParams,
        response: { 201: Type.Object({ recoveryCodes: recoveryCodesSchema }, closed) },
      },
    },
    async (request, reply) => {
      const { project, user } = userRequest(request)
      const change = { project, actor: user, request }
      const recoveryCodes = await renewRecoveryCodes(auth, change, deviceOf(request).languages)
      return reply.code(201).send({ recoveryCodes })
    },
  )

  app.post(
    `${base}/factors/passkey/options`,
    {
      config: firstFactorDoor,
      schema: {
        operationId: 'startPasskeyProof',
        summary: 'What the browser needs for showing one of your passkeys: as second factor, or to step up',
        tags,
        params: refParams,
        response: { 200: optionsSchema },
      },
    },
    async (request) => {
      const { project, user } = userRequest(request)
      return { options: await ownPasskeyOptions(auth, project, user) }
    },
  )

  app.post(
    `${base}/factors/verify`,
    {
      config: firstFactorDoor,
      schema: {
        operationId: 'verifyFactor',
        summary: 'Show the second factor: a code of the app, a recovery code, or a passkey',
        tags,
        params: refParams,
        body: Type.Object(
          { code: Type.Optional(codeSchema), passkey: Type.Optional(authenticationResponse) },
          closed,
        ),
        response: { 200: sessionSchema },
      },
    },
    async (request) => {
      const { project, user } = userRequest(request)
      const { code, passkey } = request.body
      if (passkey !== undefined && code !== undefined) {
        throw invalidValue('passkey', 'can’t be together with a code', 'not_allowed')
      }
      if (passkey !== undefined) {
        const methods = await useOwnPasskey(auth, project, user, toCredential(passkey))
        return renewProof(auth, project, user, requireMfa(methods))
      }
      await useFactorCode(auth, project, user.uid, given('code', code))
      return renewProof(auth, project, user, ['otp', 'mfa'])
    },
  )

  app.post(
    `${base}/step-up`,
    {
      config: signInDoor,
      schema: {
        operationId: 'stepUp',
        summary: 'Prove again who you are, for sensitive calls within the next minutes',
        tags,
        params: refParams,
        body: Type.Object(
          {
            password: Type.Optional(Type.String({ maxLength: 128 })),
            code: Type.Optional(codeSchema),
            passkey: Type.Optional(authenticationResponse),
          },
          closed,
        ),
        response: { 200: sessionSchema },
      },
    },
    async (request) => {
      const { project, user } = userRequest(request)
      const { passkey, ...proof } = request.body
      return stepUp(auth, project, user, { ...proof, ...(passkey && { passkey: toCredential(passkey) }) })
    },
  )
}
