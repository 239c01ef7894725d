import type { OrganizationRole } from '../platform/generated/enums.ts'

/** What a secret key may touch. */
const areas = ['documents', 'users', 'files', 'push', 'tasks', 'functions', 'channels', 'settings'] as const

type Area = (typeof areas)[number]

/** `documents:read`, `settings:write`, …; writing does not include reading. */
export type Scope = `${Area}:${'read' | 'write'}`

/** Whether the text is a scope, or `*` for all of them. */
export function isScope(text: string): text is Scope | '*' {
  return knownScopes.has(text)
}

/** Every scope that a secret key can be given. */
export const allScopes: readonly (Scope | '*')[] = [
  '*',
  ...areas.flatMap((area): Scope[] => [`${area}:read`, `${area}:write`]),
]

const knownScopes = new Set<string>(allScopes)

/** Somebody with a publishable key and no sign-in. Rules decide. */
export interface AnonymousActor {
  kind: 'anonymous'
}

/** An end user of the project's app. Rules decide. */
export interface UserActor {
  kind: 'user'
  uid: string
  sessionId: string
  email: string | null
  isEmailVerified: boolean
  isAnonymous: boolean
  roles: readonly string[]
  claims: Readonly<Record<string, unknown>>
  /** How the user proved who they are: `pwd`, `otp`, `hwk` … (RFC 8176). */
  amr: readonly string[]
  /** How many factors that were: 1 or 2. */
  assurance: number
  /** When the last of them was shown, in milliseconds since 1970. */
  provenAt: number
  /** A second factor has to be shown before anything else. */
  owesFactor: boolean
}

/** A server with a secret key: passes by scope, not by rule. */
export interface KeyActor {
  kind: 'key'
  keyId: string
  scopes: readonly (Scope | '*')[]
}

/** A person at the console or the command line: passes by role in the project's organization, not by rule. */
export interface OperatorActor {
  kind: 'operator'
  operatorId: string
  /** Null outside a project and outside an organization. */
  role: OrganizationRole | null
}

/** A function of the project itself: passes by scope, like a key. It is known by the way that its request came. */
export interface FunctionActor {
  kind: 'function'
  name: string
  scopes: readonly (Scope | '*')[]
  /** How many functions led to it. */
  depth: number
  /** A write that holds the project's lock waits for this function, which so must not wait for the lock. */
  holdsLock: boolean
}

/** Who a request acts as. Every access to a project's data takes one. */
export type Actor = AnonymousActor | UserActor | KeyActor | OperatorActor | FunctionActor

/** Whether rules judge this actor; the others were judged by scope or role at the door. */
export function isJudgedByRules(actor: Actor): actor is AnonymousActor | UserActor {
  return actor.kind === 'anonymous' || actor.kind === 'user'
}

/** Who did it, in change records and audit entries: `user:7f…`, `key:…`, `anonymous`. */
export function actorLabel(actor: Actor): string {
  switch (actor.kind) {
    case 'anonymous':
      return 'anonymous'
    case 'user':
      return `user:${actor.uid}`
    case 'key':
      return `key:${actor.keyId}`
    case 'operator':
      return `operator:${actor.operatorId}`
    case 'function':
      return `function:${actor.name}`
  }
}
