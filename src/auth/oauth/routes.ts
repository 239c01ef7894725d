import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { UserIdentity } from '../../platform/generated/client.ts'
import { invalidValue, notFound } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import { addressGroup } from '../../projects/address-group.ts'
import { limitStrictly } from '../../projects/limit-requests.ts'
import type { Project } from '../../projects/project.ts'
import { closed, idSchema, noContentSchema, oneTimeTokenSchema, timeSchema } from '../../projects/schemas.ts'
import { removeWayIn } from '../account/remove-way-in.ts'
import type { Auth } from '../auth.ts'
import { deviceOf } from '../device.ts'
import { signInLimits } from '../password/sign-in.ts'
import { requireFreshProof } from '../require-fresh-proof.ts'
import { refParams, sessionSchema, signInDoor, userRequest } from '../schemas.ts'
import { issuerOf } from '../sessions/access-token.ts'
import { exchangeCode } from './exchange-code.ts'
import { finishOAuth, type OAuthAnswer } from './finish-oauth.ts'
import { flowCookie, readFlowCookie } from './flow-cookie.ts'
import { linkIdentity } from './link-identity.ts'
import { createProviderClients } from './provider-clients.ts'
import { presetOf } from './providers.ts'
import { signInWithAccount } from './sign-in-with-account.ts'
import { checkRedirect, startOAuth } from './start-oauth.ts'
import { verifyIdToken } from './verify-id-token.ts'

const base = '/v1/projects/:ref/auth'
const tags = ['Identity providers']

const providerSchema = Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' })
const providerParams = Type.Object({ ref: Type.String({ maxLength: 64 }), provider: providerSchema })

const requestSchema = Type.Object(
  {
    redirectTo: Type.String({ maxLength: 2048 }),
    codeChallenge: Type.String({
      pattern: '^[A-Za-z0-9_-]{43}$',
      description: 'PKCE, S256 (RFC 7636): the exchange needs the verifier.',
    }),
  },
  closed,
)

const codeProperties = {
  code: oneTimeTokenSchema,
  codeVerifier: Type.String({ pattern: '^[A-Za-z0-9._~-]{43,128}$' }),
}

const idTokenProperties = {
  idToken: Type.String({ minLength: 1, maxLength: 16_384 }),
  nonce: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  accessToken: Type.Optional(Type.String({ minLength: 1, maxLength: 8192 })),
}

const answerSchema = Type.Object({
  state: oneTimeTokenSchema,
  code: Type.Optional(Type.String({ maxLength: 4096 })),
  iss: Type.Optional(Type.String({ maxLength: 2048 })),
  error: Type.Optional(Type.String({ maxLength: 200 })),
  user: Type.Optional(Type.String({ maxLength: 2048 })),
})

const identitySchema = Type.Object(
  {
    id: Type.String(),
    provider: Type.String(),
    email: Type.Union([Type.String(), Type.Null()]),
    createdAt: timeSchema,
  },
  closed,
)

/** Signing in by OAuth 2 and OpenID Connect, and the accounts elsewhere that sign a user in. */
export function registerOAuthRoutes(app: HttpServer, auth: Auth): void {
  const clients = createProviderClients(auth)
  const { config, control } = auth.services
  const open = { access: { door: 'open' } } as const

  app.post(
    `${base}/sign-in/oauth/:provider`,
    {
      config: signInDoor,
      schema: {
        operationId: 'signInWithOAuth',
        summary: 'Where to send the browser so that its user signs in at a provider',
        description:
          'The browser comes back to `redirectTo` with `#code=…`, to exchange, or with `#error=…`: `access_denied`, `provider_failed` and others.',
        tags,
        params: providerParams,
        body: requestSchema,
        response: { 200: Type.Object({ url: Type.String() }, closed) },
      },
    },
    async (request) => {
      const { project } = projectRequest(request)
      const { provider } = request.params
      await checkRedirect(auth, project, request.body.redirectTo)
      await clients.of(project, provider)
      const query = new URLSearchParams(request.body)
      return {
        url: `${issuerOf(config.publicUrl, project)}/auth/sign-in/oauth/${provider}?${query.toString()}`,
      }
    },
  )

  app.get(
    `${base}/sign-in/oauth/:provider`,
    {
      config: open,
      schema: {
        operationId: 'startOAuth',
        summary: 'Leads the browser to the provider',
        tags,
        params: providerParams,
        querystring: requestSchema,
      },
    },
    async (request, reply) => {
      const project = await openProject(request.params.ref)
      await limitByAddress(project, request)
      await checkRedirect(auth, project, request.query.redirectTo)
      const client = await clients.of(project, request.params.provider)
      const { url, state, browserSecret } = await startOAuth(auth, project, client, request.query)
      void reply.header('set-cookie', flowCookie(config.publicUrl, state, browserSecret, client.preset))
      return redirect(reply, url)
    },
  )

  const callback = async (
    request: FastifyRequest,
    { ref, provider }: { ref: string; provider: string },
    answer: OAuthAnswer,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const project = await openProject(ref)
    const secret = readFlowCookie(config.publicUrl, answer.state, request.headers.cookie)
    const target = await finishOAuth(auth, clients, project, provider, answer, secret)
    void reply.header('set-cookie', flowCookie(config.publicUrl, answer.state, '', presetOf(provider)))
    return redirect(reply, target)
  }

  app.get(
    `${base}/sign-in/oauth/:provider/callback`,
    {
      config: open,
      schema: {
        operationId: 'finishOAuth',
        summary: 'Where providers send the browser back to',
        tags,
        params: providerParams,
        querystring: answerSchema,
      },
    },
    async (request, reply) => callback(request, request.params, request.query, reply),
  )

  // A form, so a parser that no other route may have: forms are what foreign pages can post without being asked.
  void app.register(async (scope) => {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: 16_384 },
      (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
    )
    scope.post<{ Params: { ref: string; provider: string }; Body: OAuthAnswer }>(
      `${base}/sign-in/oauth/:provider/callback`,
      {
        config: open,
        schema: {
          operationId: 'finishOAuthByForm',
          summary: 'Where Apple sends the browser back to',
          tags,
          params: providerParams,
          body: answerSchema,
        },
      },
      async (request, reply) => callback(request, request.params, request.body, reply),
    )
  })

  app.post(
    `${base}/sign-in/oauth/exchange`,
    {
      config: signInDoor,
      schema: {
        operationId: 'exchangeOAuthCode',
        summary: 'Sign in with the code that the redirect brought',
        description: 'An anonymous user who asks keeps their id, unless the account is already somebody’s.',
        tags,
        params: refParams,
        body: Type.Object(codeProperties, closed),
        response: { 200: sessionSchema },
      },
    },
    async (request) => {
      const { project, actor } = projectRequest(request)
      const proven = await exchangeCode(auth, project, request.body)
      const current = actor.kind === 'user' ? actor : null
      return signInWithAccount(auth, project, proven, deviceOf(request), current)
    },
  )

  app.post(
    `${base}/sign-in/id-token`,
    {
      config: signInDoor,
      schema: {
        operationId: 'signInWithIdToken',
        summary: 'Sign in with an id token that a native app got from a provider',
        tags,
        params: refParams,
        body: Type.Object({ provider: providerSchema, ...idTokenProperties }, closed),
        response: { 200: sessionSchema },
      },
    },
    async (request) => {
      const { project, actor } = projectRequest(request)
      await limitByAddress(project, request)
      const proven = await verifyIdToken(clients, project, request.body)
      const current = actor.kind === 'user' ? actor : null
      return signInWithAccount(auth, project, proven, deviceOf(request), current)
    },
  )

  app.get(
    `${base}/identities`,
    {
      config: signInDoor,
      schema: {
        operationId: 'listIdentities',
        summary: 'The accounts elsewhere that sign you in',
        tags,
        params: refParams,
        response: { 200: Type.Object({ identities: Type.Array(identitySchema) }, closed) },
      },
    },
    async (request) => {
      const { uid } = userRequest(request).user
      const identities = await control.userIdentity.findMany({
        where: { userId: uid },
        orderBy: { id: 'asc' },
        take: 100,
      })
      return { identities: identities.map(presentIdentity) }
    },
  )

  app.post(
    `${base}/identities/:provider`,
    {
      config: signInDoor,
      schema: {
        operationId: 'linkIdentity',
        summary: 'Let an account elsewhere sign you in',
        description: 'With a code from the same redirect as for signing in, or with an id token.',
        tags,
        params: providerParams,
        body: Type.Union([Type.Object(codeProperties, closed), Type.Object(idTokenProperties, closed)]),
        response: { 201: identitySchema },
      },
    },
    async (request, reply) => {
      const { project, user } = userRequest(request)
      const { body, params } = request
      requireFreshProof(user)
      await limitByAddress(project, request)
      const proven =
        'code' in body
          ? await exchangeCode(auth, project, body)
          : await verifyIdToken(clients, project, { ...body, provider: params.provider })
      if (proven.provider !== params.provider) throw invalidValue('code', 'is of another provider')
      const change = { project, actor: user, request }
      const identity = await linkIdentity(auth, change, proven, deviceOf(request).languages)
      return reply.code(201).send(presentIdentity(identity))
    },
  )

  app.delete(
    `${base}/identities/:id`,
    {
      config: signInDoor,
      schema: {
        operationId: 'unlinkIdentity',
        summary: 'No longer let an account elsewhere sign you in',
        tags,
        params: Type.Object({ ref: Type.String(), id: idSchema }),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { project, user } = userRequest(request)
      requireFreshProof(user)
      const way = { kind: 'identity', id: request.params.id } as const
      await removeWayIn(auth, { project, actor: user, request }, way, deviceOf(request).languages)
      return reply.code(204).send(null)
    },
  )

  async function openProject(ref: string): Promise<Project> {
    const project = await auth.projects.byRef(ref)
    if (project === null) throw notFound('The project')
    return project
  }

  function limitByAddress(project: Project, { ip }: FastifyRequest): Promise<void> {
    const who = `${project.id} ${addressGroup(ip)}`
    return limitStrictly(auth.projects.rateLimiter, 'auth-oauth', who, signInLimits.byAddress)
  }
}

/** Neither address is for the next server to read in `Referer`. */
function redirect(reply: FastifyReply, url: string): FastifyReply {
  return reply.header('referrer-policy', 'no-referrer').redirect(url, 303)
}

function presentIdentity({ id, provider, email, createdAt }: UserIdentity) {
  return { id, provider, email, createdAt: createdAt.toISOString() }
}
