import { runLoad } from '../load/run-load.ts'
import { median, type Rounds } from '../rounds.ts'
import type { Options } from '../suite.ts'
import { atMost, type Verdict } from '../verdict.ts'
import type { FunctionsServer } from './start-functions.ts'
import { makeCreates } from './make-creates.ts'

// Short ones, side by side: the machine's moods meet both alike.
const pairsEachRound = 3

/** The same creates with and without a function in them: what it adds for one client. */
export async function measureBeforeHooks(
  { rounds, seconds, warmUpSeconds, smoke }: Options,
  taken: Rounds,
  server: FunctionsServer,
): Promise<Verdict> {
  const plain = makeCreates(server, 'plain', 5000)
  const hooked = makeCreates(server, 'priced', 5000)
  const load = (requests: string[], connections: number) =>
    runLoad({
      port: server.port,
      connections,
      requests,
      warmUpSeconds: warmUpSeconds / 4,
      seconds: seconds / pairsEachRound,
    })
  const added: number[] = []
  for (let pair = 0; pair < (smoke ? 1 : rounds * pairsEachRound); pair += 1) {
    let without = 0
    await taken.take('create by one client', 'Basalt', async () => {
      const round = await load(plain, 1)
      without = round.p50
      return round
    })
    await taken.take('create by one client, before-hook', 'Basalt', async () => {
      const round = await load(hooked, 1)
      added.push(round.p50 - without)
      return round
    })
    await taken.take('create, 32 connections', 'Basalt', () => load(plain, 32))
    await taken.take('create, 32 connections, before-hook', 'Basalt', () => load(hooked, 32))
  }
  return atMost('what a before-hook adds to a write, p50', median(added), 2, 'ms')
}
