import type { Measure } from './rounds.ts'
import type { Verdict } from './verdict.ts'

export interface Options {
  /** In the collection before anything is measured. */
  documents: number
  /** That are open at once, in suites that know such. */
  sockets: number
  /** Of each measure. */
  seconds: number
  warmUpSeconds: number
  /** Everything is measured so often, in turn with what stands beside it; the median counts. */
  rounds: number
  /** Of the suite's measures. */
  only: readonly string[]
  /** Servers of others beside ours, in suites that know such. */
  peers: readonly string[]
  /** Whether everything works, rather than how fast it is. */
  smoke: boolean
}

export interface Findings {
  measures: readonly Measure[]
  verdicts: readonly Verdict[]
}

/** What is measured together, on servers of its own. */
export interface Suite {
  /** What `--only` chooses from. */
  readonly measures: readonly string[]
  /** What `--peer` chooses from. */
  readonly peers: readonly string[]
  /** `folder` is empty and on a disk, and removed afterwards. */
  run(options: Options, folder: string): Promise<Findings>
}
