import type { LoadResult } from './load/load-job.ts'
import { say } from './say.ts'

export interface Measure {
  name: string
  subject: string
  /** Of each round, in order. */
  rates: number[]
  /** Medians of the rounds, as is `rate`: answers in a second, milliseconds. */
  rate: number
  p50: number
  p99: number
  generatorBusy: number
  /** Refusals in a second that were to be expected; a median too. */
  refused: number
  /** In all of the rounds. */
  failed: number
  failure: string | null
}

export type Round = Omit<LoadResult, 'max' | 'refused'> & { refused?: number }

/** Collects what was measured several times, and makes one figure of it. */
export class Rounds {
  readonly #taken = new Map<string, { name: string; subject: string; rounds: Round[] }>()

  async take(name: string, subject: string, work: () => Promise<Round>): Promise<void> {
    const key = `${name} of ${subject}`
    const entry = this.#taken.get(key) ?? { name, subject, rounds: [] }
    this.#taken.set(key, entry)
    const round = await work()
    entry.rounds.push(round)
    const refused = round.refused ? `, and ${Math.round(round.refused)}/s refused` : ''
    say(`  ${subject}, ${name}: ${Math.round(round.rate)}/s, p99 ${round.p99.toFixed(1)} ms${refused}`)
  }

  measures(): Measure[] {
    return [...this.#taken.values()].map(({ rounds, ...names }) => ({ ...names, ...summarize(rounds) }))
  }
}

type Figure = 'rate' | 'p50' | 'p99' | 'refused' | 'generatorBusy'

function summarize(rounds: readonly Round[]): Omit<Measure, 'name' | 'subject'> {
  const medianOf = (figure: Figure) => median(rounds.map((round) => round[figure] ?? 0))
  return {
    rates: rounds.map(({ rate }) => rate),
    rate: medianOf('rate'),
    p50: medianOf('p50'),
    p99: medianOf('p99'),
    generatorBusy: medianOf('generatorBusy'),
    refused: medianOf('refused'),
    failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
    failure: rounds.find(({ failure }) => failure !== null)?.failure ?? null,
  }
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2
}
