import type { LoadJob, LoadResult } from './load-job.ts'
import { runScript } from './run-script.ts'

const script = new URL('generate-load.ts', import.meta.url)

/** Runs the generator. Throws when it ends without a result: the server refused or broke a connection. */
export function runLoad(job: LoadJob): Promise<LoadResult> {
  return runScript(script, job)
}
