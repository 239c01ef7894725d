import type { FastifyRequest } from 'fastify'
import type { Actor } from '../projects/actor.ts'
import { projectRequest } from '../projects/access.ts'
import type { Project } from '../projects/project.ts'
import type { JsonObject } from '../query/json.ts'

/** Who asks, for which project, and what rules may know of the request. */
export interface Caller {
  project: Project
  actor: Actor
  requestId: string
  /** `time` is ISO 8601 in UTC; a whole request has one time. */
  request: { time: string; ip: string }
}

export function callerOf(request: FastifyRequest): Caller {
  const { project, actor } = projectRequest(request)
  return {
    project,
    actor,
    requestId: request.id,
    request: { time: currentTime(), ip: request.ip },
  }
}

const clock = { milliseconds: 0, text: '' }

/** Formatting a time costs as much as all else here, and twenty requests share a millisecond. */
function currentTime(): string {
  const now = Date.now()
  if (now !== clock.milliseconds) {
    clock.milliseconds = now
    clock.text = new Date(now).toISOString()
  }
  return clock.text
}

/** The variables `auth` and `request` of rules. `auth` is null for the anonymous. */
export function ruleVariables({ actor, request }: Caller): { auth: JsonObject | null; request: JsonObject } {
  const auth =
    actor.kind === 'user'
      ? {
          uid: actor.uid,
          email: actor.email,
          isEmailVerified: actor.isEmailVerified,
          isAnonymous: actor.isAnonymous,
          roles: actor.roles,
          claims: actor.claims as JsonObject,
          amr: actor.amr,
          assurance: actor.assurance,
        }
      : null
  return { auth, request }
}
