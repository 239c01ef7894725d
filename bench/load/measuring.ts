import type { LoadJob, LoadResult } from './load-job.ts'

type Times = Pick<LoadJob, 'warmUpSeconds' | 'seconds' | 'mayRefuse'> & {
  /** How much of the time is for what is measured here. */
  share?: number
}

/** Keeps what was answered within the measured time. */
export class Measuring {
  readonly #job: Times
  readonly #start: number
  readonly end: number
  readonly #latencies: number[] = []
  #refused = 0
  #failed = 0
  #failure: string | null = null
  #usageAtStart = process.cpuUsage()

  constructor(job: Times) {
    this.#job = job
    this.#start = performance.now() + job.warmUpSeconds * 1000
    this.end = this.#start + job.seconds * 1000
    setTimeout(() => (this.#usageAtStart = process.cpuUsage()), job.warmUpSeconds * 1000).unref()
  }

  /** `bytes` are only looked at if the answer isn't 2xx. */
  note(sentAt: number, now: number, status: number, bytes: Buffer): void {
    const isMeasured = now >= this.#start && now < this.end
    if (status >= 200 && status < 300) {
      if (isMeasured) this.#latencies.push(now - sentAt)
      return
    }
    const answer = bytes.toString('latin1', 0, 2000)
    if (this.#job.mayRefuse === true && status === 503 && /\r\nretry-after: *\d/i.test(answer)) {
      if (isMeasured) this.#refused += 1
      return
    }
    this.#failed += 1
    this.#failure ??= answer
  }

  summarize(): LoadResult {
    const { seconds, share = 1 } = this.#job
    const { user, system } = process.cpuUsage(this.#usageAtStart)
    const sorted = Float64Array.from(this.#latencies).sort()
    const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? 0
    return {
      rate: sorted.length / (seconds * share),
      p50: at(0.5),
      p99: at(0.99),
      max: at(1),
      refused: this.#refused / (seconds * share),
      failed: this.#failed,
      failure: this.#failure,
      generatorBusy: (user + system) / 1e6 / seconds,
    }
  }
}
