import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { ApiError } from '../platform/errors.ts'
import { addressGroup } from './address-group.ts'
import type { Project } from './project.ts'
import type { RateDecision, RateLimit, RateLimiter, StrictLimit } from './rate-limiter.ts'

/** The limits that every request meets. All throw `rate_limited`. */
export interface RequestLimits {
  /** Whoever asks for something that costs a query before it is known who they are. */
  byAddress(request: FastifyRequest, reply: FastifyReply): void
  /** Apps: callers without a secret key or an operator's session. */
  byClient(request: FastifyRequest, reply: FastifyReply, project: Project): void
  byProject(reply: FastifyReply, project: Project): void
}

export function createRequestLimits(config: Config, limiter: RateLimiter): RequestLimits {
  const { burstFactor, requestsPerSecondByAddress } = config.limits
  const withBurst = (perSecond: number): RateLimit => ({ perSecond, burst: perSecond * burstFactor })
  const anyAddress = withBurst(requestsPerSecondByAddress)
  function check(reply: FastifyReply, name: string, key: string, limit: RateLimit): void {
    const decision = limiter.consume(key, limit)
    if (config.rateLimits) announce(reply, name, limit, decision)
    if (!decision.allowed) throw rateLimited(decision)
  }
  return {
    byAddress: (request, reply) => check(reply, 'address', addressGroup(request.ip), anyAddress),
    byClient(request, reply, project) {
      const limit = withBurst(project.settings.limits.requestsPerSecondByAddress)
      check(reply, 'address', `${project.id} ${addressGroup(request.ip)}`, limit)
    },
    byProject: (reply, project) =>
      check(reply, 'project', project.id, withBurst(project.settings.limits.requestsPerSecond)),
  }
}

/** For what may be tried only so often; throws `rate_limited`. `what` names the limit, `who` whom it counts. */
export async function limitStrictly(
  limiter: RateLimiter,
  what: string,
  who: string,
  limit: StrictLimit,
): Promise<void> {
  const decision = await limiter.consumeStrictly(`${what} ${who}`, limit)
  if (!decision.allowed) throw rateLimited(decision)
}

function rateLimited(decision: RateDecision): ApiError {
  return new ApiError('rate_limited', 'Too many requests; see Retry-After.', {
    retryAfterSeconds: decision.retryAfterSeconds,
  })
}

/** https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/: the quota of a window, and what is left. */
function announce(reply: FastifyReply, name: string, limit: RateLimit, decision: RateDecision): void {
  const seconds = Math.ceil(limit.burst / limit.perSecond)
  reply.header('ratelimit-policy', `"${name}";q=${limit.burst};w=${seconds}`)
  reply.header('ratelimit', `"${name}";r=${decision.remaining};t=${decision.retryAfterSeconds || 1}`)
}
