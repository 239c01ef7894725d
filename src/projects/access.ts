import type { FastifyContextConfig, FastifyRequest } from 'fastify'
import type { OrganizationRole } from '../platform/generated/enums.ts'
import { forbidden } from '../platform/errors.ts'
import type { Actor, OperatorActor, Scope } from './actor.ts'
import type { Demand } from './identify-actor.ts'
import type { Project } from './project.ts'

/**
 * Who may call a route. Every route declares it (`config: { access: … }`); one that doesn't is refused
 * when the server starts, so nothing is open by oversight.
 */
export type Access =
  /** Asks for no identity: health, sign-in, the API page. */
  | { door: 'open' }
  /** Any operator who is signed in. */
  | { door: 'operator' }
  /** An operator with at least this role in the organization `:org`. */
  | { door: 'organization'; role: OrganizationRole }
  /**
   * Inside the project `:ref`: secret keys with the scope, and operators whose role grants it
   * (`:read` viewer, `:write` developer, or what `role` says).
   * With `clients`, anonymous actors and users pass too and the feature judges them by rules. Users who still owe
   * their second factor pass only with `firstFactor`. With `dryRunScope`, that scope is enough for a request with
   * `?dryRun=true`: the route changes nothing then.
   */
  | ({ door: 'project'; dryRunScope?: Scope } & Demand)
  /**
   * A connection to the project `:ref` that stays. Whoever comes shows a credential or does so in a message; what
   * is shown must be valid, and what it is good for is asked at each message.
   */
  | { door: 'socket' }
  /**
   * Everybody, in the project `:ref`. No credential is asked for, and what is shown for somebody else's use, as
   * webhooks do, is refused by nobody; a user's token says who they are.
   */
  | { door: 'public' }

/** Who acts, and in which project; both null where a door doesn't ask. */
export interface Identity {
  actor: Actor | null
  project: Project | null
  /** The operator's session. */
  sessionId: string | null
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }
  interface FastifyRequest {
    /** Set by the access hook before validation and handlers run; read through the functions below. */
    identity: Identity
  }
}

/** The project that the request is about, and who acts. Throws on routes whose door is not `project`. */
export function projectRequest(request: FastifyRequest): { project: Project; actor: Actor } {
  const { actor, project } = request.identity
  if (actor === null || project === null) throw new Error('the route has no project door')
  return { project, actor }
}

/** The operator who is signed in. Throws `forbidden` where a key got through the door: this is for people. */
export function operatorRequest(request: FastifyRequest): { operator: OperatorActor; sessionId: string } {
  const { actor, sessionId } = request.identity
  if (actor?.kind !== 'operator' || sessionId === null) throw forbidden('Only an operator may do this.')
  return { operator: actor, sessionId }
}

/** The same for the API's description: which credentials a route takes. */
export function securityOf({ access }: FastifyContextConfig): Record<string, string[]>[] {
  if (access === undefined || access.door === 'open' || access.door === 'public') return []
  const bearer = { bearer: [] }
  return access.door === 'project' && access.clients === true ? [bearer, { publishableKey: [] }] : [bearer]
}
