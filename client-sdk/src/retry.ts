import type { BasaltError } from './basalt-error.ts'

const firstDelayMs = 200
const longestDelayMs = 8_000

const passingStatuses = new Set([429, 502, 503, 504])

/** Whether the same request may fare better later, and may be sent again. */
export function isPassing(error: BasaltError, once = false): boolean {
  if (error.code === 'quota_exceeded') return false
  if (once) return error.status === 429
  if (error.code === 'network') return true
  if (error.status === undefined) return false
  // A conflict with a time to wait: the first try of this very request is still under way.
  return passingStatuses.has(error.status) || (error.status === 409 && error.retryAfterMs !== undefined)
}

/**
 * How long to wait before the next try: what the server asks for, plus full jitter that grows with the tries,
 * so that clients which failed together don't come back together.
 */
export function retryDelayMs(error: BasaltError, triesSoFar: number): number {
  const ceiling = Math.min(longestDelayMs, firstDelayMs * 2 ** (triesSoFar - 1))
  return (error.retryAfterMs ?? 0) + Math.random() * ceiling
}
