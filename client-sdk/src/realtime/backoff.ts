const firstCeilingMs = 500
const highestCeilingMs = 30_000
/** What held for so long was no failure: the next one counts as the first. */
const calmAfterMs = 10_000

/**
 * How long to wait before the next try: full jitter under a ceiling that doubles with each failure in a row, so that
 * clients which lost the same server don't come back together.
 */
export class Backoff {
  #failures = 0
  #succeededAt: number | undefined

  succeeded(): void {
    this.#succeededAt ??= Date.now()
  }

  /** @param least How many failures this one is worth at least: 4 for a server that asks for time. */
  nextDelayMs(least = 0): number {
    const wasCalm = this.#succeededAt !== undefined && Date.now() - this.#succeededAt >= calmAfterMs
    if (wasCalm) this.#failures = 0
    this.#succeededAt = undefined
    this.#failures = Math.max(this.#failures, least)
    const ceiling = Math.min(highestCeilingMs, firstCeilingMs * 2 ** this.#failures)
    this.#failures += 1
    return Math.random() * ceiling
  }

  /** Failures since the last calm. */
  get failures(): number {
    return this.#failures
  }
}
