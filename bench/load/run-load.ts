import type { LoadJob, LoadResult, Turns } from './load-job.ts'
import { runScript } from './run-script.ts'

const script = new URL('generate-load.ts', import.meta.url)

/** Runs the generator. Throws when it ends without a result: the server refused or broke a connection. */
export async function runLoad({ requests, ...job }: LoadJob): Promise<LoadResult> {
  const [result] = await runInTurns({ ...job, kinds: [requests] })
  if (result === undefined) throw new Error('The load generator measured nothing.')
  return result
}

/** The same with several kinds of requests, a result for each. */
export function runInTurns(job: Turns): Promise<LoadResult[]> {
  return runScript(script, job)
}
