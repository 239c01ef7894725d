import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** Runs a generator with a job on its standard input. Throws when it ends without a result. */
export async function runScript<Result>(script: URL, job: object): Promise<Result> {
  const child = spawn(process.execPath, [fileURLToPath(script)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  child.stdin.end(JSON.stringify(job))
  const output = await text(child.stdout)
  await exited
  if (child.exitCode !== 0) throw new Error('The load generator failed.')
  return JSON.parse(output)
}
