import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { auth } from './auth/auth-suite.ts'
import { documents } from './documents/documents-suite.ts'
import { functions } from './functions/functions-suite.ts'
import { buildBasalt } from './launch-basalt.ts'
import { printReport } from './print-report.ts'
import { readOptions } from './read-options.ts'
import { realtime } from './realtime/realtime-suite.ts'
import { say } from './say.ts'
import type { Suite } from './suite.ts'

/** What can be measured; the first is what `npm run bench` means. */
const suites = { documents, auth, realtime, functions } as const satisfies Record<string, Suite>

const { names, optionsOf } = readOptions(process.argv.slice(2), suites)
const runs = names.map((name) => ({ name, options: optionsOf(name) }))
buildBasalt()
for (const { name, options } of runs) {
  const folder = await mkdtemp(join(tmpdir(), 'basalt-bench-'))
  try {
    await warnOfMemoryDisk(folder)
    say(`measuring ${name}`)
    const { measures, verdicts } = await suites[name].run(options, folder)
    printReport(measures, verdicts)
    say(`written to ${await save({ suite: name, machine: describeMachine(), options, measures, verdicts })}`)
    for (const { name: what, subject, failed, failure } of measures) {
      if (failed === 0) continue
      console.error(`${subject}, ${what}: ${failed} requests failed, as this one:\n${failure}\n`)
      process.exitCode = 1
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
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

async function save(result: Readonly<Record<string, unknown>> & { suite: string }): Promise<string> {
  const results = fileURLToPath(new URL('results', import.meta.url))
  await mkdir(results, { recursive: true })
  const time = new Date().toISOString()
  const file = join(results, `${time.replaceAll(':', '-').slice(0, 19)}-${result.suite}.json`)
  await writeFile(file, `${JSON.stringify({ time, ...result }, null, 2)}\n`)
  return file
}
