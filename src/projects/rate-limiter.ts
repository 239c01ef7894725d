import type { Services } from '../platform/services.ts'
import { shareRateUsage } from './share-rate-usage.ts'

/** A token bucket: `perSecond` flows in, at most `burst` stands in it. */
export interface RateLimit {
  perSecond: number
  burst: number
}

/** At most `max` in any `seconds`, counted to the last one across all nodes. */
export interface StrictLimit {
  max: number
  seconds: number
}

export interface RateDecision {
  allowed: boolean
  /** What may still come at once. */
  remaining: number
  /** When it is worth trying again; 0 if allowed. */
  retryAfterSeconds: number
}

export interface RateLimiter {
  /**
   * For limits of many requests a second: decides from memory. Nodes tell each other what they let through
   * some times a second, so together they may exceed the limit by what passes in a quarter of a second.
   */
  consume(key: string, limit: RateLimit): RateDecision
  /** For limits of few in a long time, such as sign-ins: one statement, exact under parallel use. */
  consumeStrictly(key: string, limit: StrictLimit): Promise<RateDecision>
  /** Once in `seconds`, to the second; what is refused doesn't count. At most an hour. */
  spaceOut(key: string, seconds: number): Promise<RateDecision>
  close(): Promise<void>
}

/** What one node knows of one key. */
export interface Bucket {
  key: string
  limit: RateLimit
  tokens: number
  /** Milliseconds since 1970. */
  refilledAt: number
  /** Used here and not yet told to the others. */
  untold: number
  /** What all nodes had used together when this one last asked, if that is recent. */
  total: { used: number; window: number; at: number } | undefined
}

const maxBuckets = 100_000
const sweepEveryMs = 5_000
const unlimited: RateDecision = { allowed: true, remaining: Number.MAX_SAFE_INTEGER, retryAfterSeconds: 0 }

/** With `BASALT_RATE_LIMITS=off` everything is allowed. */
export function createRateLimiter(services: Services): RateLimiter {
  if (!services.config.rateLimits) return unlimitedLimiter
  const buckets = new Map<string, Bucket>()
  const sharing = shareRateUsage(services)
  const sweeping = setInterval(() => sweep(buckets), sweepEveryMs).unref()

  return {
    consume(key, limit) {
      const now = Date.now()
      const bucket = buckets.get(key) ?? addBucket(buckets, key, limit, now)
      bucket.limit = limit
      refill(bucket, now)
      if (bucket.tokens < 1) {
        const retryAfterSeconds = Math.max(1, Math.ceil((1 - bucket.tokens) / limit.perSecond))
        return { allowed: false, remaining: 0, retryAfterSeconds }
      }
      bucket.tokens--
      bucket.untold++
      sharing.noteUse(bucket)
      return { allowed: true, remaining: Math.floor(bucket.tokens), retryAfterSeconds: 0 }
    },
    consumeStrictly: (key, limit) => consumeStrictly(services, key, limit),
    spaceOut: (key, seconds) => spaceOut(services, key, seconds),
    close() {
      clearInterval(sweeping)
      return sharing.close()
    },
  }
}

const unlimitedLimiter: RateLimiter = {
  consume: () => unlimited,
  consumeStrictly: () => Promise.resolve(unlimited),
  spaceOut: () => Promise.resolve(unlimited),
  close: () => Promise.resolve(),
}

function addBucket(buckets: Map<string, Bucket>, key: string, limit: RateLimit, now: number): Bucket {
  const oldest = buckets.size >= maxBuckets ? buckets.keys().next() : undefined
  if (oldest?.done === false) buckets.delete(oldest.value)
  const bucket: Bucket = { key, limit, tokens: limit.burst, refilledAt: now, untold: 0, total: undefined }
  buckets.set(key, bucket)
  return bucket
}

function refill(bucket: Bucket, now: number): void {
  // A clock that was set back must not take tokens away.
  const elapsed = Math.max(0, now - bucket.refilledAt)
  const { burst, perSecond } = bucket.limit
  bucket.tokens = Math.min(burst, bucket.tokens + (elapsed * perSecond) / 1000)
  bucket.refilledAt = now
}

/** A full bucket says no more than no bucket. */
function sweep(buckets: Map<string, Bucket>): void {
  const now = Date.now()
  for (const [key, bucket] of buckets) {
    refill(bucket, now)
    if (bucket.tokens >= bucket.limit.burst) buckets.delete(key)
  }
}

/**
 * A sliding window from two fixed ones: the share of the last window that is still in sight counts too.
 * The attempt is counted before it is judged, so parallel attempts can't slip through together.
 */
async function consumeStrictly({ db }: Services, key: string, limit: StrictLimit): Promise<RateDecision> {
  const now = Date.now() / 1000
  const window = Math.floor(now / limit.seconds) * limit.seconds
  const elapsed = now - window
  const { rows } = await db.query<{ used: number; before: number }>(consumeStrictlySql, [
    key,
    window,
    window - limit.seconds,
  ])
  const { used = 1, before = 0 } = rows[0] ?? {}
  const inSight = used + before * (1 - elapsed / limit.seconds)
  // A little under one, or what is left of one attempt almost a window ago would count as a whole one.
  const allowed = inSight < limit.max + 1
  const remaining = Math.max(0, Math.floor(limit.max - inSight))
  return { allowed, remaining, retryAfterSeconds: allowed ? 0 : Math.ceil(limit.seconds - elapsed) }
}

const consumeStrictlySql = `
  INSERT INTO basalt.rate_usage AS usage (key, window_start, used)
  VALUES ($1, $2, 1)
  ON CONFLICT (key, window_start) DO UPDATE
    SET used = usage.used + 1
  RETURNING
    used,
    coalesce((
      SELECT used
      FROM basalt.rate_usage
      WHERE key = $1
        AND window_start = $3
    ), 0) AS before`

/** Those of one second meet at the primary key, and one is let through. */
async function spaceOut({ db }: Services, key: string, seconds: number): Promise<RateDecision> {
  const now = Math.floor(Date.now() / 1000)
  const { rows } = await db.query<{ last: string | null; passed: string }>(spaceOutSql, [
    `spaced ${key}`,
    now,
    now - seconds,
  ])
  const { last = null, passed = '0' } = rows[0] ?? {}
  if (passed === '1') return { allowed: true, remaining: 0, retryAfterSeconds: 0 }
  return { allowed: false, remaining: 0, retryAfterSeconds: Math.max(1, Number(last ?? now) + seconds - now) }
}

const spaceOutSql = `
  WITH before AS (
    SELECT max(window_start) AS last
    FROM basalt.rate_usage
    WHERE key = $1
      AND window_start > $3
  ), passed AS (
    INSERT INTO basalt.rate_usage (key, window_start, used)
    SELECT $1, $2, 1
    FROM before
    WHERE last IS NULL
    ON CONFLICT DO NOTHING
    RETURNING 1
  )
  SELECT (SELECT last FROM before) AS last, (SELECT count(*) FROM passed) AS passed`
