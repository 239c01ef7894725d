import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `npm test`: runs vitest on the runtime that came with the dependencies, and closes with the count. */
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'basalt-report-'))
const report = join(folder, 'report.json')
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]

const child = spawn(process.execPath, [vitest, ...args, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
const exitCode = await new Promise<number>((resolve) => {
  child.once('exit', (code) => resolve(code ?? 1))
})
console.log(await closingLine())
await rm(folder, { recursive: true, force: true })
process.exit(exitCode)

interface Report {
  numPassedTests?: number
  numFailedTests?: number
  numPendingTests?: number
  numTodoTests?: number
}

async function closingLine(): Promise<string> {
  const counts: Report = JSON.parse(await readFile(report, 'utf8').catch(() => '{}'))
  // A file that doesn't load, or a leak after the last test, fails the run without failing a test.
  const failed = Math.max(counts.numFailedTests ?? 0, exitCode === 0 ? 0 : 1)
  const skipped = (counts.numPendingTests ?? 0) + (counts.numTodoTests ?? 0)
  const line = `${counts.numPassedTests ?? 0} passed, ${failed} failed`
  return skipped === 0 ? line : `${line}, ${skipped} skipped`
}
