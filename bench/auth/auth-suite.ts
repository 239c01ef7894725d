import { join } from 'node:path'
import { startArticles } from '../documents/start-articles.ts'
import { Rounds } from '../rounds.ts'
import { say } from '../say.ts'
import type { Findings, Options, Suite } from '../suite.ts'
import type { Verdict } from '../verdict.ts'
import { importUsers } from './import-users.ts'
import { measureReadsUnderSignIns } from './measure-reads-under-sign-ins.ts'
import { measureSignIns } from './measure-sign-ins.ts'
import { measureTokens } from './measure-tokens.ts'

const measures = ['tokens', 'sign-ins', 'reads-under-sign-ins'] as const

/** What signing in costs, and what it costs others. */
export const auth: Suite = { measures, peers: [], run }

async function run(options: Options, folder: string): Promise<Findings> {
  say('starting Basalt with articles and users')
  const server = await startArticles(join(folder, 'data'), 1000)
  try {
    const users = await importUsers(server)
    const rounds = new Rounds()
    const verdicts: Verdict[] = []
    const { only } = options
    if (only.includes('tokens')) verdicts.push(await measureTokens(options, rounds, server, users))
    if (only.includes('sign-ins')) verdicts.push(await measureSignIns(options, rounds, server, users))
    if (only.includes('reads-under-sign-ins')) {
      verdicts.push(await measureReadsUnderSignIns(options, rounds, server, users))
    }
    return { measures: rounds.measures(), verdicts }
  } finally {
    await server.stop()
  }
}
