/** What the load generator is to do: a closed loop, in which each connection waits for its answer. */
export interface LoadJob {
  port: number
  connections: number
  warmUpSeconds: number
  seconds: number
  /** Whole requests as they go over the wire, sent in turn, and from the start again after the last. */
  requests: readonly string[]
}

export interface LoadResult {
  /** Answers in each second of the measured time. */
  rate: number
  /** Milliseconds from the first byte sent to the last byte received. */
  p50: number
  p99: number
  max: number
  /** Answers that weren't 2xx, the warm-up's included. */
  failed: number
  /** One of those, status line and all. */
  failure: string | null
  /** The share of its processor that the generator used: near 1, it may be the limit itself. */
  generatorBusy: number
}
