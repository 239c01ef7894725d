import type { ArticlesServer } from '../documents/start-articles.ts'
import { runLoad } from '../load/run-load.ts'
import { median, type Rounds } from '../rounds.ts'
import type { Options } from '../suite.ts'
import { atMost, type Verdict } from '../verdict.ts'
import type { Users } from './import-users.ts'
import { makeReads } from './make-reads.ts'

const readsPerSecond = 500
const signInsPerSecond = 200

/** What users who are signed in wait for a read while many others sign in; what is too much may be refused. */
export async function measureReadsUnderSignIns(
  { rounds, seconds, warmUpSeconds, smoke }: Options,
  taken: Rounds,
  server: ArticlesServer,
  { tokens, signIns }: Users,
): Promise<Verdict> {
  const job = { port: server.port, warmUpSeconds, seconds }
  const reads = { ...job, connections: 32, perSecond: readsPerSecond, requests: makeReads(server, tokens) }
  const offered = {
    ...job,
    perSecond: signInsPerSecond,
    requests: signIns,
    mayRefuse: true,
    connections: 200,
  }
  const ratios: number[] = []
  for (let round = 0; round < (smoke ? 1 : rounds * 2); round += 1) {
    let idle = 0
    let busy = 0
    await taken.take(`${readsPerSecond} reads/s, idle`, server.name, async () => {
      const result = await runLoad(reads)
      idle = result.p99
      return result
    })
    await Promise.all([
      taken.take(`${signInsPerSecond} sign-ins/s offered`, server.name, () => runLoad(offered)),
      taken.take(`${readsPerSecond} reads/s meanwhile`, server.name, async () => {
        const result = await runLoad(reads)
        busy = result.p99
        return result
      }),
    ])
    ratios.push(busy / idle)
  }
  return atMost('p99 of reads during sign-ins, of idle', median(ratios), 2, 'times')
}
