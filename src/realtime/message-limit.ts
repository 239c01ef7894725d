import type { Config } from '../config.ts'

/** A token bucket for the messages of one socket. */
export class MessageLimit {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #refilledAt = performance.now()

  constructor({ limits, rateLimits }: Pick<Config, 'limits' | 'rateLimits'>) {
    this.#perSecond = rateLimits ? limits.socketMessagesPerSecond : Number.POSITIVE_INFINITY
    this.#burst = this.#perSecond * limits.burstFactor
    this.#tokens = this.#burst
  }

  /** Whether one more may be handled. */
  take(): boolean {
    if (this.#tokens === Number.POSITIVE_INFINITY) return true
    const now = performance.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#refilledAt) * this.#perSecond) / 1000)
    this.#refilledAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
