import type { ArticlesServer } from '../documents/start-articles.ts'
import { runInTurns } from '../load/run-load.ts'
import type { Rounds } from '../rounds.ts'
import type { Options } from '../suite.ts'
import { atMost, type Verdict } from '../verdict.ts'
import type { Users } from './import-users.ts'
import { makeReads } from './make-reads.ts'

/** The same reads by the publishable key alone and with an access token, in turns: what the token adds. */
export async function measureTokens(
  { rounds, seconds, warmUpSeconds, smoke }: Options,
  taken: Rounds,
  server: ArticlesServer,
  users: Users,
): Promise<Verdict> {
  const kinds = [makeReads(server), makeReads(server, users.tokens)]
  const job = { port: server.port, connections: 32, kinds, warmUpSeconds, seconds: seconds * 2 }
  let byKey = 0
  let byToken = 0
  for (let round = 0; round < (smoke ? 1 : rounds * 2); round += 1) {
    const [key, token] = await runInTurns(job)
    if (key === undefined || token === undefined) throw new Error('The load generator measured nothing.')
    await taken.take('read by key', server.name, () => Promise.resolve(key))
    await taken.take('read by token', server.name, () => Promise.resolve(token))
    byKey += key.rate
    byToken += token.rate
  }
  return atMost('cost of an access token', (byKey / byToken - 1) * 100, 5, '%')
}
