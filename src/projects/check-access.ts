import type { FastifyReply, FastifyRequest } from 'fastify'
import { forbidden, notFound, unauthenticated } from '../platform/errors.ts'
import type { OrganizationRole } from '../platform/generated/enums.ts'
import type { HttpServer } from '../platform/http-server.ts'
import type { LookupCache } from '../platform/lookup-cache.ts'
import type { Services } from '../platform/services.ts'
import type { Access, Identity } from './access.ts'
import type { Actor, AnonymousActor, OperatorActor, UserActor } from './actor.ts'
import { allowOrigin, registerPreflight } from './cors.ts'
import type { KeyCredential, SessionCredential } from './credentials.ts'
import { admit, kindOfToken, requireKey, requireSession, requireUser, whenKnown } from './identify-actor.ts'
import { createRequestLimits } from './limit-requests.ts'
import type { Project } from './project.ts'
import type { Projects } from './projects.ts'
import { isOperatorToken, readApiKey, readBearer, readSessionCookie } from './read-credentials.ts'
import { hasRole } from './roles.ts'

type Awaitable<T> = T | Promise<T>
type ProjectAccess = Extract<Access, { door: 'project' | 'socket' }>
type Request = FastifyRequest<{
  Params: { ref?: string; org?: string }
  Querystring: { key?: unknown; dryRun?: unknown }
}>

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
  app.addHook<{ Params: { ref?: string; org?: string }; Querystring: { key?: unknown; dryRun?: unknown } }>(
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

/** What is asked of a dry run. The text is the only one that the routes' schema takes for true. */
function demandOf({ query }: Request, access: ProjectAccess): ProjectAccess {
  if (access.door === 'socket' || access.dryRunScope === undefined || query.dryRun !== 'true') return access
  return { door: 'project', scope: access.dryRunScope }
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
      case 'public':
        return whenKnown(lookUp(projects.cache, request.params.ref ?? '', request, reply), (found) =>
          inPublic(request, reply, found),
        )
      case 'project':
      case 'socket': {
        const project = lookUp(projects.cache, request.params.ref ?? '', request, reply)
        return whenKnown(project, (found) => {
          allowOrigin(request, reply, found)
          return inProject(request, reply, demandOf(request, access), found)
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
    const insider = insideOf(request, project)
    if (insider !== undefined) {
      return whenKnown(insider, (actor) => {
        const inside = known(project)
        // The address is this machine's, and its callers were counted when they came.
        limits.byProject(reply, inside)
        enter(actor, access)
        return { actor, project: inside, sessionId: null }
      })
    }
    const bearer = readBearer(request.headers)
    const apiKey = readApiKey(request)
    const cookie =
      bearer === undefined && apiKey === undefined ? readSessionCookie(request, config.publicUrl) : undefined
    const kind = bearer === undefined ? undefined : kindOfToken(bearer)
    const operatorToken = cookie ?? (kind === 'operator' ? bearer : undefined)
    if (operatorToken !== undefined) {
      return whenKnown(sessionOf(operatorToken, request, reply), (session) =>
        operatorInProject(session, access, project, reply),
      )
    }
    if (bearer !== undefined && kind === 'user') {
      const key = apiKey === undefined ? null : keyOf(apiKey, project, request, reply)
      return whenKnown(key, () => userInProject(bearer, request, reply, access, known(project)))
    }
    const key = bearer ?? apiKey
    if (key === undefined && access.door === 'socket') {
      limits.byAddress(request, reply)
      return { actor: null, project: known(project), sessionId: null }
    }
    if (key === undefined) throw unauthenticated('Send a key of the project, or sign in.')
    return whenKnown(keyOf(key, project, request, reply), (found) =>
      keyInProject(found, request, reply, access, known(project)),
    )
  }

  /** The actor behind a request of a function; undefined for all others. */
  function insideOf(request: Request, project: Project | null): Awaitable<Actor> | undefined {
    const insider = projects.insiders.get(request.raw)
    if (insider === undefined || request.headers.authorization !== undefined) return undefined
    if (insider.projectId !== project?.id) throw unauthenticated('A function acts in its own project alone.')
    return insider.actor()
  }

  function inPublic(request: Request, reply: FastifyReply, project: Project | null): Awaitable<Identity> {
    if (project === null) throw notFound('This address')
    limits.byClient(request, reply, project)
    limits.byProject(reply, project)
    const [, token = ''] = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
    const user = kindOfToken(token) === 'user' && token !== '' ? projects.verifyToken(token, project) : null
    return whenKnown(insideOf(request, project), (inside) =>
      whenKnown(user, (found) => ({ actor: inside ?? userOrNobody(found), project, sessionId: null })),
    )
  }

  function keyOf(
    token: string,
    project: Project | null,
    request: Request,
    reply: FastifyReply,
  ): Awaitable<KeyCredential> {
    return whenKnown(lookUp(keys, token, request, reply), (key) => requireKey(key, project))
  }

  function keyInProject(
    { actor }: KeyCredential,
    request: Request,
    reply: FastifyReply,
    access: ProjectAccess,
    project: Project,
  ): Identity {
    if (actor.kind === 'anonymous') limits.byClient(request, reply, project)
    limits.byProject(reply, project)
    enter(actor, access)
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
    return whenKnown(projects.verifyToken(token, project), (found) => {
      const actor = requireUser(found)
      enter(actor, access)
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
    const identity = asOperator(session, role, project)
    enter(identity.actor, access)
    return identity
  }

  function operatorOf(request: Request, reply: FastifyReply): Awaitable<SessionCredential> {
    const token = readBearer(request.headers) ?? readSessionCookie(request, config.publicUrl)
    if (token === undefined) throw unauthenticated('Sign in as an operator.')
    return sessionOf(token, request, reply)
  }

  function sessionOf(token: string, request: Request, reply: FastifyReply): Awaitable<SessionCredential> {
    if (!isOperatorToken(token)) throw unauthenticated('Sign in as an operator.')
    return whenKnown(lookUp(sessions, token, request, reply), requireSession)
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

/** Who owes a second factor is nobody yet. */
function userOrNobody(user: UserActor | null): UserActor | AnonymousActor {
  return user === null || user.owesFactor ? { kind: 'anonymous' } : user
}

/** Of a socket each message is judged for itself. */
function enter(actor: Actor, access: ProjectAccess): void {
  if (access.door === 'project') admit(actor, access)
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
): Identity & { actor: OperatorActor } {
  const { operatorId, sessionId } = session
  return { actor: { kind: 'operator', operatorId, role }, project, sessionId }
}

/** An unknown project looks like one that the credential doesn't belong to. */
function known(project: Project | null): Project {
  if (project === null) throw unauthenticated('The credential is not valid here.')
  return project
}
