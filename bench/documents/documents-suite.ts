import { join } from 'node:path'
import { launchBasalt } from '../launch-basalt.ts'
import { say } from '../say.ts'
import type { Findings, Options, Suite } from '../suite.ts'
import { watchMemory } from '../watch-memory.ts'
import { startBare } from './bare/start-bare.ts'
import { judgeTargets } from './judge-targets.ts'
import { measurePaths } from './measure-paths.ts'
import { paths, type Subject } from './paths.ts'
import { peers, startPeer } from './peer/start-peer.ts'
import { hasPgbench, preparePgbench } from './run-pgbench.ts'
import { startArticles } from './start-articles.ts'

/** Reads and writes of documents, beside a bare Fastify, pgbench and other servers. */
export const documents: Suite = { measures: paths, peers, run }

async function run(options: Options, folder: string): Promise<Findings> {
  const running: Subject[] = []
  try {
    const dataDir = join(folder, 'data')
    say(`starting Basalt and loading ${options.documents.toLocaleString('en')} documents`)
    const basalt = await startArticles(dataDir, options.documents)
    running.push(basalt)
    running.push(await startBare(await basalt.sampleDocument(), await basalt.sampleList()))
    for (const name of peers.filter((peer) => options.peers.includes(peer))) {
      say(`starting ${name} and loading the same`)
      const place = { folder, sockets: basalt.sockets, documents: options.documents }
      running.push(await startPeer(name, place))
    }
    const postgres = options.only.includes('create') && hasPgbench() ? basalt.sockets : null
    if (postgres !== null) await preparePgbench(postgres, options.smoke ? 1 : 10)
    else if (options.only.includes('create')) say('pgbench is not installed: creates are not held against it')

    const memory = watchMemory(basalt.pid)
    const measures = await measurePaths(options, running, basalt, postgres)
    const mostMemory = memory.stop()

    say('starting Basalt again')
    await basalt.stop()
    const again = await launchBasalt(dataDir)
    await again.stop()
    return { measures, verdicts: judgeTargets({ measures, memory: mostMemory, start: again.milliseconds }) }
  } finally {
    // The peers use Basalt's PostgreSQL, so it goes last.
    for (const subject of running.toReversed()) await subject.stop()
  }
}
