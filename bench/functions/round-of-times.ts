import { quantile } from '../quantile.ts'
import type { Round } from '../rounds.ts'

/** What is done one at a time, as a round: its rate is what one client after another would reach. */
export function roundOfTimes(milliseconds: readonly number[]): Round {
  const sorted = milliseconds.toSorted((a, b) => a - b)
  const p50 = quantile(sorted, 0.5)
  return { rate: 1000 / p50, p50, p99: quantile(sorted, 0.99), generatorBusy: 0, failed: 0, failure: null }
}
