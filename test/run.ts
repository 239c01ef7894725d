import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * `npm test`: runs vitest on the runtime that came with the dependencies, and closes with the count.
 *
 * The tests share their processors with each other, with PostgreSQL and with the servers that they start, so one may
 * run out of time where nothing is wrong. A file that fails is run once more, alone, and named: it fails the run only
 * if it fails again.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
// More than these, and the fault is none of the machine's.
const filesRunAgain = 5

interface Report {
  numPassedTests?: number
  numFailedTests?: number
  numPendingTests?: number
  numTodoTests?: number
  testResults?: { name: string; status: string; assertionResults: { status: string }[] }[]
}

interface Outcome {
  /** Paths of the files in which a test or the loading failed. */
  failedFiles: string[]
  /** Of those files. */
  passedInFailed: number
  passed: number
  failed: number
  skipped: number
}

const args = process.argv.slice(2)
const first = await run(args)
const line = await judge(first)
console.log(line)

async function judge(outcome: Outcome): Promise<string> {
  const { failedFiles } = outcome
  const isWorthAnother = failedFiles.length > 0 && failedFiles.length <= filesRunAgain
  if (!isWorthAnother) return close(outcome)
  const names = failedFiles.map((file) => relative(root, file))
  console.log(`\nOnce more, alone: ${names.join(', ')}\n`)
  const again = await run([...names, '--no-file-parallelism'])
  if (again.failed === 0) console.log(`\nFailed at first, then passed alone: ${names.join(', ')}\n`)
  return close({
    ...again,
    passed: outcome.passed - outcome.passedInFailed + again.passed,
    skipped: outcome.skipped,
  })
}

function close({ passed, failed, skipped }: Outcome): string {
  process.exitCode = failed > 0 ? 1 : 0
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
}

async function run(vitestArgs: string[]): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'basalt-report-'))
  const file = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...vitestArgs], {
    cwd: root,
    stdio: 'inherit',
  })
  const exitCode = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
  const report: Report = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'))
  await rm(folder, { recursive: true, force: true })
  const failures = report.testResults?.filter(({ status }) => status !== 'passed') ?? []
  const passedInFailed = failures.flatMap(({ assertionResults }) => assertionResults)
  return {
    failedFiles: failures.map(({ name }) => name),
    passedInFailed: passedInFailed.filter(({ status }) => status === 'passed').length,
    passed: report.numPassedTests ?? 0,
    // A leak after the last test fails the run without failing a test.
    failed: Math.max(report.numFailedTests ?? 0, exitCode === 0 ? 0 : 1),
    skipped: (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0),
  }
}
