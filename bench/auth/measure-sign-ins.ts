import type { ArticlesServer } from '../documents/start-articles.ts'
import { runLoad } from '../load/run-load.ts'
import { median, type Rounds } from '../rounds.ts'
import type { Options } from '../suite.ts'
import { atLeast, type Verdict } from '../verdict.ts'
import type { Users } from './import-users.ts'
import { runArgon2 } from './run-argon2.ts'

// Fewer than may wait for a place to hash in: none is refused.
const connections = 32

/** Sign-ins by password, beside what the machine's processors verify of the same hash and do nothing else. */
export async function measureSignIns(
  { rounds, seconds, warmUpSeconds, smoke }: Options,
  taken: Rounds,
  server: ArticlesServer,
  { password, passwordHash, signIns }: Users,
): Promise<Verdict> {
  const ratios: number[] = []
  for (let round = 0; round < (smoke ? 1 : rounds * 2); round += 1) {
    let alone = 0
    let reached = 0
    const argon2 = (): Promise<void> =>
      taken.take('argon2 alone', 'all processors', async () => {
        const result = await runArgon2({ password, passwordHash, seconds, warmUpSeconds })
        alone = result.rate
        return result
      })
    const signIn = (): Promise<void> =>
      taken.take('sign-in', server.name, async () => {
        const job = { port: server.port, connections, requests: signIns, seconds, warmUpSeconds }
        const result = await runLoad(job)
        reached = result.rate
        return result
      })
    for (const work of round % 2 === 0 ? [argon2, signIn] : [signIn, argon2]) await work()
    ratios.push(reached / alone)
  }
  return atLeast('sign-ins, of argon2 alone', median(ratios), 0.8)
}
