const firstMs = 2_000
const maxMs = 3_600_000

/**
 * How long a task waits after an attempt that failed: 2 s, 4 s, 8 s … up to an hour, of which a random half is left
 * out, so that what failed together isn't tried together. Ten attempts take 9 to 17 minutes.
 *
 * @param attempt the one that failed, from 1
 */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  const longest = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 20))
  return Math.round(longest * (0.5 + random() / 2))
}
