import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { LoadJob, LoadResult } from './load-job.ts'

const script = fileURLToPath(new URL('generate-load.ts', import.meta.url))

/** Runs the generator. Throws when it ends without a result: the server refused or broke a connection. */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  child.stdin.end(JSON.stringify(job))
  const output = await text(child.stdout)
  await exited
  if (child.exitCode !== 0) throw new Error('The load generator failed.')
  return JSON.parse(output)
}
