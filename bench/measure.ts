import type { LoadResult } from './load/load-job.ts'
import { runLoad } from './load/run-load.ts'
import { makeRequests, type Path, type Subject } from './paths.ts'
import type { Options } from './read-options.ts'
import { runPgbench } from './run-pgbench.ts'

/** One client without concurrency, beside what all of them at once reach. */
export type MeasureName = Path | 'create by one client' | 'pgbench -N'

export interface Measure {
  name: MeasureName
  subject: string
  /** Of each round, in order. */
  rates: number[]
  /** Medians of the rounds, as is `rate`: answers in a second, milliseconds. */
  rate: number
  p50: number
  p99: number
  generatorBusy: number
  /** In all of the rounds. */
  failed: number
  failure: string | null
}

type Round = Pick<LoadResult, 'rate' | 'p50' | 'p99' | 'failed' | 'failure' | 'generatorBusy'>

export const connections = 32

/**
 * Measures every path on every subject, in turn: the machine's moods meet all of them alike. `postgres` is the
 * folder of the socket at which `pgbench` runs beside the creates; null where it isn't installed.
 */
export async function measureAll(
  options: Options,
  subjects: readonly Subject[],
  basalt: Subject,
  postgres: string | null,
): Promise<Measure[]> {
  const rounds = new Map<string, { name: MeasureName; subject: string; rounds: Round[] }>()
  const take = async (name: MeasureName, subject: string, work: () => Promise<Round>): Promise<void> => {
    const key = `${name} of ${subject}`
    const entry = rounds.get(key) ?? { name, subject, rounds: [] }
    rounds.set(key, entry)
    const round = await work()
    entry.rounds.push(round)
    process.stderr.write(`  ${subject}, ${name}: ${Math.round(round.rate)}/s\n`)
  }
  const load = (path: Path, subject: Subject, clients: number) =>
    runLoad({
      port: subject.port,
      connections: clients,
      warmUpSeconds: options.warmUpSeconds,
      seconds: options.seconds,
      requests: makeRequests(path, subject, options.documents),
    })

  for (let round = 1; round <= options.rounds; round += 1) {
    process.stderr.write(`round ${round} of ${options.rounds}\n`)
    for (const path of options.only) {
      for (const subject of subjects) await take(path, subject.name, () => load(path, subject, connections))
      if (path !== 'create') continue
      if (postgres !== null)
        await take('pgbench -N', 'PostgreSQL', () => runPgbench(postgres, connections, options.seconds))
      await take('create by one client', basalt.name, () => load('create', basalt, 1))
    }
  }
  return [...rounds.values()].map(({ rounds: all, ...names }) => ({ ...names, ...summarize(all) }))
}

function summarize(rounds: readonly Round[]): Omit<Measure, 'name' | 'subject'> {
  const medianOf = (figure: 'rate' | 'p50' | 'p99' | 'generatorBusy') =>
    median(rounds.map((round) => round[figure]))
  return {
    rates: rounds.map(({ rate }) => rate),
    rate: medianOf('rate'),
    p50: medianOf('p50'),
    p99: medianOf('p99'),
    generatorBusy: medianOf('generatorBusy'),
    failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
    failure: rounds.find(({ failure }) => failure !== null)?.failure ?? null,
  }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2
}
