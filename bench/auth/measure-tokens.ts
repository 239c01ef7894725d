import type { ArticlesServer } from '../documents/start-articles.ts'
import { runLoad } from '../load/run-load.ts'
import { median, type Rounds } from '../rounds.ts'
import type { Options } from '../suite.ts'
import { atMost, type Verdict } from '../verdict.ts'
import type { Users } from './import-users.ts'
import { makeReads } from './make-reads.ts'

// Short ones, side by side: two percent are less than what a machine's mood changes within seconds.
const pairsEachRound = 6

/** The same reads by the publishable key alone and with an access token: what the token adds. */
export async function measureTokens(
  { rounds, seconds, warmUpSeconds, smoke }: Options,
  taken: Rounds,
  server: ArticlesServer,
  users: Users,
): Promise<Verdict> {
  const reads = {
    'read by key': makeReads(server),
    'read by token': makeReads(server, users.tokens),
  } as const
  const rates = { 'read by key': 0, 'read by token': 0 }
  const names = ['read by key', 'read by token'] as const
  const ratios: number[] = []
  for (let pair = 0; pair < (smoke ? 1 : rounds * pairsEachRound); pair += 1) {
    // Each comes first as often as second.
    for (const name of pair % 2 === 0 ? names : names.toReversed()) {
      await taken.take(name, server.name, async () => {
        const job = { port: server.port, connections: 32, requests: reads[name] }
        const times = { warmUpSeconds: warmUpSeconds / 4, seconds: seconds / 3 }
        const result = await runLoad({ ...job, ...times })
        rates[name] = result.rate
        return result
      })
    }
    ratios.push(rates['read by key'] / rates['read by token'])
  }
  return atMost('cost of an access token', (median(ratios) - 1) * 100, 5, '%')
}
