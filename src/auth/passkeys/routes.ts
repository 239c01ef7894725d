import Type from 'typebox'
import type { RegistrationResponseJSON } from '@simplewebauthn/server'
import type { Passkey } from '../../platform/generated/client.ts'
import { notFound } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import { addressGroup } from '../../projects/address-group.ts'
import { limitStrictly } from '../../projects/limit-requests.ts'
import { closed, idSchema, nameSchema, noContentSchema, timeSchema } from '../../projects/schemas.ts'
import { removeWayIn } from '../account/remove-way-in.ts'
import type { Auth } from '../auth.ts'
import { deviceOf } from '../device.ts'
import { requireRightToAdd } from '../factors/require-right-to-add.ts'
import { signInLimits } from '../password/sign-in.ts'
import { requireFreshProof } from '../require-fresh-proof.ts'
import { firstFactorDoor, refParams, sessionSchema, signInDoor, userRequest } from '../schemas.ts'
import { addPasskey, registrationOptions } from './add-passkey.ts'
import { authenticationResponse, optionsSchema, registrationResponse, toCredential } from './schemas.ts'
import { signInWithPasskey } from './sign-in-with-passkey.ts'
import { authenticationOptions } from './verify-passkey.ts'

const base = '/v1/projects/:ref/auth/passkeys'
const tags = ['Passkeys']
const passkeyParams = Type.Object({ ref: Type.String({ maxLength: 64 }), id: idSchema })

const passkeySchema = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    createdAt: timeSchema,
    lastUsedAt: Type.Union([timeSchema, Type.Null()]),
  },
  closed,
)

/** WebAuthn: adding passkeys while signed in, and signing in with them. */
export function registerPasskeyRoutes(app: HttpServer, auth: Auth): void {
  const { control } = auth.services

  app.post(
    `${base}/registration/options`,
    {
      config: firstFactorDoor,
      schema: {
        operationId: 'startPasskeyRegistration',
        summary: 'What the browser needs for making a passkey',
        tags,
        params: refParams,
        response: { 200: optionsSchema },
      },
    },
    async (request) => {
      const { project, user } = userRequest(request)
      requireFreshProof(user)
      await requireRightToAdd(auth, project, user)
      return { options: await registrationOptions(auth, project, user) }
    },
  )

  app.post(
    `${base}/registration/verify`,
    {
      config: firstFactorDoor,
      schema: {
        operationId: 'addPasskey',
        summary: 'Add the passkey that the browser made',
        tags,
        params: refParams,
        body: Type.Object({ response: registrationResponse, name: Type.Optional(nameSchema) }, closed),
        response: { 201: passkeySchema },
      },
    },
    async (request, reply) => {
      const { project, user } = userRequest(request)
      const { name = 'Passkey' } = request.body
      const response = request.body.response as RegistrationResponseJSON
      await requireRightToAdd(auth, project, user)
      const change = { project, actor: user, request }
      const passkey = await addPasskey(auth, change, { response, name }, deviceOf(request).languages)
      return reply.code(201).send(presentPasskey(passkey))
    },
  )

  app.post(
    `${base}/authentication/options`,
    {
      config: signInDoor,
      schema: {
        operationId: 'startPasskeySignIn',
        summary: 'What the browser needs for signing in with a passkey',
        tags,
        params: refParams,
        response: { 200: optionsSchema },
      },
    },
    async (request) => {
      const { project } = projectRequest(request)
      const who = `${project.id} ${addressGroup(request.ip)}`
      await limitStrictly(auth.projects.rateLimiter, 'auth-passkey', who, signInLimits.byAddress)
      return { options: await authenticationOptions(auth, project, 'sign-in') }
    },
  )

  app.post(
    `${base}/authentication/verify`,
    {
      config: signInDoor,
      schema: {
        operationId: 'signInWithPasskey',
        summary: 'Sign in with a passkey',
        tags,
        params: refParams,
        body: Type.Object({ response: authenticationResponse }, closed),
        response: { 200: sessionSchema },
      },
    },
    async (request) => {
      const { project } = projectRequest(request)
      return signInWithPasskey(auth, project, toCredential(request.body.response), deviceOf(request))
    },
  )

  app.get(
    base,
    {
      config: signInDoor,
      schema: {
        operationId: 'listPasskeys',
        summary: 'Your passkeys',
        tags,
        params: refParams,
        response: { 200: Type.Object({ passkeys: Type.Array(passkeySchema) }, closed) },
      },
    },
    async (request) => {
      const { uid } = userRequest(request).user
      const passkeys = await control.passkey.findMany({
        where: { userId: uid },
        orderBy: { id: 'asc' },
        take: 100,
      })
      return { passkeys: passkeys.map(presentPasskey) }
    },
  )

  app.patch(
    `${base}/:id`,
    {
      config: signInDoor,
      schema: {
        operationId: 'renamePasskey',
        summary: 'Call a passkey something else',
        tags,
        params: passkeyParams,
        body: Type.Object({ name: nameSchema }, closed),
        response: { 200: passkeySchema },
      },
    },
    async (request) => {
      const { uid } = userRequest(request).user
      const where = { id: request.params.id, userId: uid }
      const [passkey] = await control.passkey.updateManyAndReturn({
        where,
        data: { name: request.body.name },
      })
      if (passkey === undefined) throw notFound('The passkey')
      return presentPasskey(passkey)
    },
  )

  app.delete(
    `${base}/:id`,
    {
      config: signInDoor,
      schema: {
        operationId: 'removePasskey',
        summary: 'Remove a passkey',
        tags,
        params: passkeyParams,
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { project, user } = userRequest(request)
      requireFreshProof(user)
      const way = { kind: 'passkey', id: request.params.id } as const
      await removeWayIn(auth, { project, actor: user, request }, way, deviceOf(request).languages)
      return reply.code(204).send(null)
    },
  )
}

function presentPasskey({ id, name, createdAt, lastUsedAt }: Passkey) {
  return { id, name, createdAt: createdAt.toISOString(), lastUsedAt: lastUsedAt?.toISOString() ?? null }
}
