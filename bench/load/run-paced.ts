import { runScript } from './run-script.ts'

/** Requests at a given pace, whether or not the server keeps up: an open loop, as many clients are. */
export interface PacedJob {
  port: number
  perSecond: number
  /** Whole requests as they go over the wire, each sent once. A connection carries one at a time. */
  requests: readonly string[]
}

export interface PacedResult {
  /** When each request was sent, on the clock of `monotonicMs`; null if it wasn't. */
  sentAt: readonly (number | null)[]
  /** When each request was answered by 2xx, on the same clock; null if it wasn't. */
  answeredAt: readonly (number | null)[]
  /** One of the other answers, status line and all. */
  failure: string | null
}

const script = new URL('generate-paced.ts', import.meta.url)

export function runPaced(job: PacedJob): Promise<PacedResult> {
  return runScript(script, job)
}
