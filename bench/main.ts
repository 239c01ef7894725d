import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startBare } from './bare/start-bare.ts'
import { judgeTargets } from './judge-targets.ts'
import { measureAll } from './measure.ts'
import type { Subject } from './paths.ts'
import { startPeer } from './peer/start-peer.ts'
import { printReport } from './print-report.ts'
import { readOptions } from './read-options.ts'
import { hasPgbench, preparePgbench } from './run-pgbench.ts'
import { buildBasalt, launchBasalt, startBasalt } from './start-basalt.ts'
import { watchMemory } from './watch-memory.ts'

const options = readOptions(process.argv.slice(2))
const folder = await mkdtemp(join(tmpdir(), 'basalt-bench-'))
const running: Subject[] = []
try {
  await warnOfMemoryDisk(folder)
  const dataDir = join(folder, 'data')
  buildBasalt()
  say(`starting Basalt and loading ${options.documents.toLocaleString('en')} documents`)
  const basalt = await startBasalt(dataDir, options.documents)
  running.push(basalt)
  running.push(await startBare(await basalt.sampleDocument(), await basalt.sampleList()))
  for (const name of options.peers) {
    say(`starting ${name} and loading the same`)
    running.push(await startPeer(name, { folder, sockets: basalt.sockets, documents: options.documents }))
  }
  const postgres = options.only.includes('create') && hasPgbench() ? basalt.sockets : null
  if (postgres !== null) await preparePgbench(postgres, options.smoke ? 1 : 10)
  else if (options.only.includes('create')) say('pgbench is not installed: creates are not held against it')

  const memory = watchMemory(basalt.pid)
  const measures = await measureAll(options, running, basalt, postgres)
  const mostMemory = memory.stop()

  say('starting Basalt again')
  await basalt.stop()
  const again = await launchBasalt(dataDir)
  await again.stop()

  const verdicts = judgeTargets({ measures, memory: mostMemory, start: again.milliseconds })
  printReport(measures, verdicts)
  say(`written to ${await save({ machine: describeMachine(), options, measures, verdicts })}`)
  for (const { name, subject, failed, failure } of measures.filter((measure) => measure.failed > 0)) {
    console.error(`${subject}, ${name}: ${failed} requests failed, as this one:\n${failure}\n`)
    process.exitCode = 1
  }
} finally {
  // The peers use Basalt's PostgreSQL, so it goes last.
  for (const subject of running.toReversed()) await subject.stop()
  await rm(folder, { recursive: true, force: true })
}

function say(what: string): void {
  process.stderr.write(`${what}\n`)
}

/** There, a write would be durable without having to wait for a disk. */
async function warnOfMemoryDisk(path: string): Promise<void> {
  const tmpfs = 0x01021994
  if ((await statfs(path)).type === tmpfs)
    say(`WARNING: ${path} is in memory; set TMPDIR to a folder on a disk, or the writes are too fast.`)
}

function describeMachine(): object {
  const [first] = cpus()
  return {
    processor: first?.model,
    processors: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
  }
}

async function save(result: object): Promise<string> {
  const results = fileURLToPath(new URL('results', import.meta.url))
  await mkdir(results, { recursive: true })
  const time = new Date().toISOString()
  const file = join(results, `${time.replaceAll(':', '-').slice(0, 19)}.json`)
  await writeFile(file, `${JSON.stringify({ time, ...result }, null, 2)}\n`)
  return file
}
