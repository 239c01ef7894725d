import type { FastifyReply, FastifyRequest } from 'fastify'
import { forbidden, notFound, secondFactorRequired, unauthenticated } from '../platform/errors.ts'
import type { OrganizationRole } from '../platform/generated/enums.ts'
import type { HttpServer } from '../platform/http-server.ts'
import type { LookupCache } from '../platform/lookup-cache.ts'
import type { Services } from '../platform/services.ts'
import type { Access, Identity } from './access.ts'
import type { Scope } from './actor.ts'
import { allowOrigin, registerPreflight } from './cors.ts'
import type { KeyCredential, SessionCredential } from './credentials.ts'
import { createRequestLimits } from './limit-requests.ts'
import type { Project } from './project.ts'
import type { Projects } from './projects.ts'
import { isKey, isOperatorToken, readApiKey, readBearer, readSessionCookie } from './read-credentials.ts'
import { hasRole } from './roles.ts'

type Awaitable<T> = T | Promise<T>
type ProjectAccess = Extract<Access, { door: 'project' }>
type Request = FastifyRequest<{ Params: { ref?: string; org?: string }; Querystring: { key?: unknown } }>

const nobody: Identity = Object.freeze({ actor: null, project: null, sessionId: null })

/**
 * The one kernel of authorisation: every route behind this hook says who may call it, and is called by nobody
 * else. Register it before the routes. While projects and credentials are in memory it runs without waiting.
 */
export function registerAccess(app: HttpServer, services: Services, projects: Projects): void {
  const identify = createIdentify(services, projects)
  app.decorateRequest('identity')
  app.addHook('onRoute', (route) => {
    if (route.config?.access !== undefined) return
    throw new Error(`${String(route.method)} ${route.url} does not say who may call it (config.access)`)
  })
  app.addHook<{ Params: { ref?: string; org?: string }; Querystring: { key?: unknown } }>(
    'onRequest',
    (request, reply, proceed) => {
      const fail = (error: Error): void => {
        if ('status' in error && error.status === 401) reply.header('www-authenticate', 'Bearer')
        proceed(error)
      }
      try {
        const identity = identify(request, reply)
        if (identity instanceof Promise) {
          identity.then((found) => {
            request.identity = found
            proceed()
          }, fail)
        } else {
          request.identity = identity
          proceed()
        }
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)))
      }
    },
  )
  registerPreflight(app, projects)
  app.addHook('onClose', () => projects.close())
}

function createIdentify(
  { config }: Services,
  projects: Projects,
): (request: Request, reply: FastifyReply) => Awaitable<Identity> {
  const { keys, sessions } = projects.credentials
  const limits = createRequestLimits(config, projects.rateLimiter)

  return (request, reply) => {
    // Undefined where no route was found: that gets its 404.
    const { access } = request.routeOptions.config
    switch (access?.door) {
      case undefined:
      case 'open':
        return nobody
      case 'operator':
        return whenKnown(operatorOf(request, reply), (session) => asOperator(session, null, null))
      case 'organization':
        return whenKnown(operatorOf(request, reply), (session) =>
          inOrganization(session, request.params.org ?? '', access.role),
        )
      case 'project': {
        const project = lookUp(projects.cache, request.params.ref ?? '', request, reply)
        return whenKnown(project, (found) => {
          allowOrigin(request, reply, found)
          return inProject(request, reply, access, found)
        })
      }
    }
  }

  function inProject(
    request: Request,
    reply: FastifyReply,
    access: ProjectAccess,
    project: Project | null,
  ): Awaitable<Identity> {
    const bearer = readBearer(request.headers)
    const apiKey = readApiKey(request)
    const cookie =
      bearer === undefined && apiKey === undefined ? readSessionCookie(request, config.publicUrl) : undefined
    const operatorToken = cookie ?? (bearer?.startsWith('op_') === true ? bearer : undefined)
    if (operatorToken !== undefined) {
      return whenKnown(sessionOf(operatorToken, request, reply), (session) =>
        operatorInProject(session, access, project, reply),
      )
    }
    if (bearer !== undefined && !isKey(bearer)) {
      const key = apiKey === undefined ? null : keyOf(apiKey, project, request, reply)
      return whenKnown(key, () => userInProject(bearer, request, reply, access, known(project)))
    }
    const key = bearer ?? apiKey
    if (key === undefined) throw unauthenticated('Send a key of the project, or sign in.')
    return whenKnown(keyOf(key, project, request, reply), (found) =>
      keyInProject(found, request, reply, access, known(project)),
    )
  }

  function keyOf(
    token: string,
    project: Project | null,
    request: Request,
    reply: FastifyReply,
  ): Awaitable<KeyCredential> {
    return whenKnown(lookUp(keys, token, request, reply), (key) => {
      if (key === null || key.projectId !== project?.id) throw unauthenticated('The key is not valid here.')
      if (key.expiresAt <= Date.now()) throw unauthenticated('The key has expired.')
      return key
    })
  }

  function keyInProject(
    { actor }: KeyCredential,
    request: Request,
    reply: FastifyReply,
    access: ProjectAccess,
    project: Project,
  ): Identity {
    if (actor.kind === 'anonymous') {
      limits.byClient(request, reply, project)
      limits.byProject(reply, project)
      if (access.clients !== true) throw forbidden('A publishable key may not do this; use a secret key.')
    } else {
      limits.byProject(reply, project)
      if (!hasScope(actor.scopes, access.scope)) throw forbidden(`The key lacks the scope ${access.scope}.`)
    }
    return { actor, project, sessionId: null }
  }

  function userInProject(
    token: string,
    request: Request,
    reply: FastifyReply,
    access: ProjectAccess,
    project: Project,
  ): Awaitable<Identity> {
    limits.byClient(request, reply, project)
    limits.byProject(reply, project)
    return whenKnown(projects.verifyToken(token, project), (actor) => {
      if (actor === null) throw unauthenticated('The token is not valid (any more).')
      if (access.clients !== true) throw forbidden('Users may not do this; use a secret key.')
      if (actor.owesFactor && access.firstFactor !== true) throw secondFactorRequired()
      return { actor, project, sessionId: null }
    })
  }

  function operatorInProject(
    session: SessionCredential,
    access: ProjectAccess,
    project: Project | null,
    reply: FastifyReply,
  ): Identity {
    const role = project === null ? undefined : session.roles.get(project.organizationId)
    if (project === null || role === undefined) throw notFound('The project')
    limits.byProject(reply, project)
    const needed = access.role ?? (access.scope.endsWith(':read') ? 'viewer' : 'developer')
    if (!hasRole(role, needed)) throw forbidden(`This needs the role ${needed}.`)
    return asOperator(session, role, project)
  }

  function operatorOf(request: Request, reply: FastifyReply): Awaitable<SessionCredential> {
    const token = readBearer(request.headers) ?? readSessionCookie(request, config.publicUrl)
    if (token === undefined) throw unauthenticated('Sign in as an operator.')
    return sessionOf(token, request, reply)
  }

  function sessionOf(token: string, request: Request, reply: FastifyReply): Awaitable<SessionCredential> {
    if (!isOperatorToken(token)) throw unauthenticated('Sign in as an operator.')
    return whenKnown(lookUp(sessions, token, request, reply), (session) => {
      if (session === null || session.expiresAt <= Date.now()) throw unauthenticated('The session has ended.')
      return session
    })
  }

  /** What isn't in memory costs a query, and who asks for it is not known yet: limited by address. */
  function lookUp<V extends object>(
    cache: LookupCache<V>,
    key: string,
    request: Request,
    reply: FastifyReply,
  ): Awaitable<V | null> {
    const known = cache.get(key)
    if (known !== undefined) return known
    limits.byAddress(request, reply)
    return cache.load(key)
  }
}

function inOrganization(
  session: SessionCredential,
  organizationId: string,
  needed: OrganizationRole,
): Identity {
  const role = session.roles.get(organizationId)
  if (role === undefined) throw notFound('The organization')
  if (!hasRole(role, needed)) throw forbidden(`This needs the role ${needed}.`)
  return asOperator(session, role, null)
}

function asOperator(
  session: SessionCredential,
  role: OrganizationRole | null,
  project: Project | null,
): Identity {
  const { operatorId, sessionId } = session
  return { actor: { kind: 'operator', operatorId, role }, project, sessionId }
}

/** An unknown project looks like one that the credential doesn't belong to. */
function known(project: Project | null): Project {
  if (project === null) throw unauthenticated('The credential is not valid here.')
  return project
}

function hasScope(scopes: readonly (Scope | '*')[], needed: Scope): boolean {
  return scopes.includes('*') || scopes.includes(needed)
}

/** Goes on at once when the value is there: a promise for each request would be felt at this rate. */
function whenKnown<T, R>(value: Awaitable<T>, use: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(use) : use(value)
}
