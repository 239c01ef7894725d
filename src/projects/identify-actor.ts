import { forbidden, secondFactorRequired, unauthenticated } from '../platform/errors.ts'
import type { LookupCache } from '../platform/lookup-cache.ts'
import type { Actor, OperatorActor, Scope, UserActor } from './actor.ts'
import type { KeyCredential, SessionCredential } from './credentials.ts'
import type { Project } from './project.ts'
import type { Projects } from './projects.ts'
import { isKey } from './read-credentials.ts'
import { hasRole } from './roles.ts'
import type { OrganizationRole } from '../platform/generated/enums.ts'

/** What a door or a message asks of whoever comes. */
export interface Demand {
  scope: Scope
  /** Whether the anonymous and users pass, to be judged by rules. */
  clients?: boolean
  /** Whether users pass who still owe their second factor. */
  firstFactor?: boolean
  /** What operators need; else `viewer` to read and `developer` to write. */
  role?: OrganizationRole
}

/** The kind of credential that a text can be, by its looks. */
export function kindOfToken(token: string): 'key' | 'operator' | 'user' {
  // A JWT's first part is `{"` in base64url: for what comes most, no pattern needs to be tried.
  if (token.startsWith('eyJ')) return 'user'
  if (isKey(token)) return 'key'
  return token.startsWith('op_') ? 'operator' : 'user'
}

/**
 * Who shows this credential, in this project, at this moment; from memory where possible. Throws `unauthenticated`.
 * For connections that stay: requests come through `registerAccess`, which counts them too.
 */
export function identifyActor(projects: Projects, token: string, project: Project): Actor | Promise<Actor> {
  const { keys, sessions } = projects.credentials
  switch (kindOfToken(token)) {
    case 'key':
      return whenKnown(look(keys, token), (key) => requireKey(key, project).actor)
    case 'operator':
      return whenKnown(look(sessions, token), (session) => asMember(requireSession(session), project))
    case 'user':
      return whenKnown(projects.verifyToken(token, project), requireUser)
  }
}

/**
 * When a credential that was shown ends by itself, in milliseconds since 1970, from memory; 0 if memory does not tell.
 * What is revoked ends earlier.
 */
export function endOfCredential(projects: Projects, token: string): number {
  const { keys, sessions } = projects.credentials
  switch (kindOfToken(token)) {
    case 'key':
      return endOf(keys.get(token))
    case 'operator':
      return endOf(sessions.get(token))
    case 'user':
      return projects.endOfToken(token)
  }
}

function endOf(found: { expiresAt: number } | null | undefined | Promise<unknown>): number {
  return found === null || found === undefined || found instanceof Promise ? 0 : found.expiresAt
}

/** Throws unless the key is one of this project that holds. */
export function requireKey(key: KeyCredential | null, project: Project | null): KeyCredential {
  if (key === null || key.projectId !== project?.id) throw unauthenticated('The key is not valid here.')
  if (key.expiresAt <= Date.now()) throw unauthenticated('The key has expired.')
  return key
}

export function requireSession(session: SessionCredential | null): SessionCredential {
  if (session === null || session.expiresAt <= Date.now()) throw unauthenticated('The session has ended.')
  return session
}

export function requireUser(user: UserActor | null): UserActor {
  if (user === null) throw unauthenticated('The token is not valid (any more).')
  return user
}

function asMember({ operatorId, roles }: SessionCredential, project: Project): OperatorActor {
  const role = roles.get(project.organizationId)
  if (role === undefined) throw unauthenticated('The token is not valid here.')
  return { kind: 'operator', operatorId, role }
}

/** Whether this actor may come in: keys by scope, operators by role, clients where rules will judge them. Throws 403. */
export function admit(actor: Actor, demand: Demand): void {
  switch (actor.kind) {
    case 'anonymous':
      if (demand.clients !== true) throw forbidden('A publishable key may not do this; use a secret key.')
      return
    case 'user':
      if (demand.clients !== true) throw forbidden('Users may not do this; use a secret key.')
      if (actor.owesFactor && demand.firstFactor !== true) throw secondFactorRequired()
      return
    case 'key':
    case 'function':
      if (!actor.scopes.includes('*') && !actor.scopes.includes(demand.scope))
        throw forbidden(`The ${actor.kind} lacks the scope ${demand.scope}.`)
      return
    case 'operator': {
      const needed = demand.role ?? (demand.scope.endsWith(':read') ? 'viewer' : 'developer')
      if (actor.role === null || !hasRole(actor.role, needed))
        throw forbidden(`This needs the role ${needed}.`)
    }
  }
}

function look<V extends object>(cache: LookupCache<V>, key: string): V | null | Promise<V | null> {
  const known = cache.get(key)
  return known === undefined ? cache.load(key) : known
}

/** Goes on at once when the value is there: a promise for each request would be felt at this rate. */
export function whenKnown<T, R>(value: T | Promise<T>, use: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(use) : use(value)
}
