import type { Services } from '../platform/services.ts'
import type { Bucket } from './rate-limiter.ts'

const everyMs = 250
// Who uses little isn't worth a row: told when it is a twentieth of what may come at once.
const untoldShare = 20
// Totals are counted from the start of the hour, so that rows can be thrown away.
const windowMs = 3_600_000
const keptMs = 4 * windowMs
// What the others did while nothing happened here has long flowed in again.
const recentMs = 2_000

/** Tells the other nodes what this one let through, and takes what they let through from its own buckets. */
export function shareRateUsage(services: Services): {
  noteUse(bucket: Bucket): void
  close(): Promise<void>
} {
  const { log } = services
  let waiting = new Map<string, Bucket>()
  let cleanedWindow = 0
  let underWay = Promise.resolve()
  let isBusy = false

  async function share(): Promise<void> {
    if (isBusy) return
    isBusy = true
    try {
      const window = Math.floor(Date.now() / windowMs) * windowMs
      const buckets = [...waiting.values()]
      waiting = new Map()
      if (buckets.length > 0) await exchange(services, buckets, window)
      if (window === cleanedWindow) return
      await forgetOldUsage(services)
      cleanedWindow = window
    } catch (error) {
      // Each node goes on with its own count; what is untold is told after the next use.
      log.warn({ err: error }, 'could not share what was used of rate limits')
    } finally {
      isBusy = false
    }
  }

  const timer = setInterval(() => {
    underWay = share()
  }, everyMs).unref()
  return {
    noteUse(bucket) {
      if (bucket.untold * untoldShare >= bucket.limit.burst) waiting.set(bucket.key, bucket)
    },
    async close() {
      clearInterval(timer)
      await underWay
    },
  }
}

async function exchange({ db }: Services, buckets: Bucket[], window: number): Promise<void> {
  const told = buckets.map((bucket) => bucket.untold)
  const { rows } = await db.query<{ key: string; used: number }>(exchangeSql, [
    buckets.map((bucket) => bucket.key),
    Math.floor(window / 1000),
    told,
  ])
  const totals = new Map(rows.map((row) => [row.key, row.used]))
  for (const [index, bucket] of buckets.entries()) {
    learn(bucket, told[index] ?? 0, totals.get(bucket.key) ?? 0, window)
  }
}

function learn(bucket: Bucket, told: number, used: number, window: number): void {
  const now = Date.now()
  const last = bucket.total
  bucket.untold -= told
  bucket.total = { used, window, at: now }
  if (last === undefined || last.window !== window || now - last.at > recentMs) return
  bucket.tokens -= Math.max(0, used - last.used - told)
  // Debts end: a node that was cut off for a moment must not stay shut for long.
  bucket.tokens = Math.max(bucket.tokens, -bucket.limit.burst)
}

// Ordered, so that two nodes lock rows in the same order.
const exchangeSql = `
  INSERT INTO basalt.rate_usage AS usage (key, window_start, used)
  SELECT key, $2, used
  FROM unnest($1::text[], $3::int[]) AS told (key, used)
  ORDER BY key
  ON CONFLICT (key, window_start) DO UPDATE
    SET used = usage.used + excluded.used
  RETURNING key, used`

async function forgetOldUsage({ db }: Services): Promise<void> {
  await db.query(
    `DELETE FROM basalt.rate_usage
     WHERE window_start < $1`,
    [Math.floor((Date.now() - keptMs) / 1000)],
  )
}
