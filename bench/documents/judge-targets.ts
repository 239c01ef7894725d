import type { Measure } from '../rounds.ts'
import { atLeast, atMost, type Verdict } from '../verdict.ts'
import { connections, type MeasureName } from './measure-paths.ts'
import type { Path } from './paths.ts'

export interface Figures {
  measures: readonly Measure[]
  /** MiB. */
  memory: number
  /** Milliseconds, on the data folder of the run. */
  start: number
}

// Of the bare route in the same run.
const shareOfBare: Partial<Record<Path, number>> = { read: 0.45, list: 0.3, create: 0.35 }
const factorOverPeer: Record<string, number> = { PocketBase: 3, 'Parse Server': 6 }
const peerPaths: readonly Path[] = ['read', 'list', 'create', 'update']
const slowestMs = 15

/** Holds the figures against the targets; those whose measures weren't taken are left out. */
export function judgeTargets({ measures, memory, start }: Figures): Verdict[] {
  const find = (name: MeasureName, subject: string) =>
    measures.find((measure) => measure.name === name && measure.subject === subject)
  const verdicts: Verdict[] = []
  const compare = (path: Path, beside: Measure | undefined, wanted: number | undefined): void => {
    const own = find(path, 'Basalt')
    if (own === undefined || beside === undefined || wanted === undefined) return
    const name = beside.name === path ? beside.subject : beside.name
    verdicts.push(atLeast(`${path}, of ${name}`, own.rate / beside.rate, wanted))
  }
  for (const path of ['read', 'list', 'create'] as const)
    compare(path, find(path, 'bare Fastify'), shareOfBare[path])
  compare('create', find('pgbench -N', 'PostgreSQL'), 1)
  for (const { name, p99 } of measures.filter(({ subject }) => subject === 'Basalt')) {
    if (name !== 'create by one client')
      verdicts.push(atMost(`${name}, p99 at ${connections} connections`, p99, slowestMs, 'ms'))
  }
  const single = find('create by one client', 'Basalt')
  if (single !== undefined) verdicts.push(atMost('create by one client, p50', single.p50, 3, 'ms'))
  verdicts.push(atMost('memory under load', memory, 200, 'MiB'))
  verdicts.push(atMost('start to first answer', start, 2000, 'ms'))
  for (const [peer, factor] of Object.entries(factorOverPeer)) {
    for (const path of peerPaths) compare(path, find(path, peer), factor)
  }
  return verdicts
}
