/** What the load generator is to do. */
export interface LoadJob {
  port: number
  connections: number
  warmUpSeconds: number
  seconds: number
  /** Whole requests as they go over the wire, sent in turn, and from the start again after the last. */
  requests: readonly string[]
  /**
   * So many requests are sent a second, whatever becomes of them, as far as there are connections; the time of each
   * begins when it was due. Without it the loop is closed: each connection waits for its answer and sends again.
   */
  perSecond?: number
  /** 503 with Retry-After is an answer that was to be expected. */
  mayRefuse?: boolean
}

/** Several kinds of requests that take turns. */
export interface Turns extends Omit<LoadJob, 'requests'> {
  kinds: readonly LoadJob['requests'][]
}

export interface LoadResult {
  /** Answers 2xx in each second of the measured time, or of the turns in it. */
  rate: number
  /** Milliseconds from the first byte sent to the last byte received, of answers 2xx. */
  p50: number
  p99: number
  max: number
  /** Refusals that were to be expected, in each second of the measured time. */
  refused: number
  /** Answers that weren't 2xx, the warm-up's included. */
  failed: number
  /** One of those, status line and all. */
  failure: string | null
  /** The share of its processor that the generator used: near 1, it may be the limit itself. */
  generatorBusy: number
}
