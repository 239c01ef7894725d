import Type from 'typebox'
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import type { Passkey } from '../../platform/generated/client.ts'
import { notFound } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import { addressGroup } from '../../projects/address-group.ts'
import { limitStrictly } from '../../projects/limit-requests.ts'
import { closed, idSchema, nameSchema, noContentSchema, timeSchema } from '../../projects/schemas.ts'
import type { Auth } from '../auth.ts'
import { deviceOf } from '../device.ts'
import { signInLimits } from '../password/sign-in.ts'
import { requireFreshProof } from '../require-fresh-proof.ts'
import { refParams, sessionSchema, signInDoor, userRequest } from '../schemas.ts'
import { addPasskey, registrationOptions } from './add-passkey.ts'
import { removePasskey } from './remove-passkey.ts'
import { authenticationOptions, signInWithPasskey } from './sign-in-with-passkey.ts'

const base = '/v1/projects/:ref/auth/passkeys'
const tags = ['Passkeys']
const passkeyParams = Type.Object({ ref: Type.String({ maxLength: 64 }), id: idSchema })

const base64Url = (maxLength: number) => Type.String({ maxLength, pattern: '^[A-Za-z0-9_-]+$' })

// https://www.w3.org/TR/webauthn-3/#dictdef-registrationresponsejson; browsers add to it with every level.
const credentialProperties = {
  id: base64Url(1400),
  rawId: base64Url(1400),
  type: Type.Literal('public-key'),
  clientExtensionResults: Type.Object({}),
}

const registrationResponse = Type.Object({
  ...credentialProperties,
  response: Type.Object({
    clientDataJSON: base64Url(4096),
    attestationObject: base64Url(65_536),
    transports: Type.Optional(
      Type.Array(Type.String({ maxLength: 32, pattern: '^[a-z-]+$' }), { maxItems: 10 }),
    ),
  }),
})

const authenticationResponse = Type.Object({
  ...credentialProperties,
  response: Type.Object({
    clientDataJSON: base64Url(4096),
    authenticatorData: base64Url(65_536),
    signature: base64Url(4096),
    userHandle: Type.Optional(Type.Union([base64Url(100), Type.Null()])),
  }),
})

const optionsSchema = Type.Object(
  {
    options: Type.Unknown({
      description: 'For `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.',
    }),
  },
  closed,
)

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
      config: signInDoor,
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
      return { options: await registrationOptions(auth, project, user) }
    },
  )

  app.post(
    `${base}/registration/verify`,
    {
      config: signInDoor,
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
      const passkey = await addPasskey(auth, project, user, { response, name })
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
      return { options: await authenticationOptions(auth, project) }
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
      const { userHandle, ...signed } = request.body.response.response
      const response = { ...signed, ...(typeof userHandle === 'string' && { userHandle }) }
      const credential: AuthenticationResponseJSON = { ...request.body.response, response }
      return signInWithPasskey(auth, project, credential, deviceOf(request))
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
      await removePasskey(auth, project, user, request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function presentPasskey({ id, name, createdAt, lastUsedAt }: Passkey) {
  return { id, name, createdAt: createdAt.toISOString(), lastUsedAt: lastUsedAt?.toISOString() ?? null }
}
