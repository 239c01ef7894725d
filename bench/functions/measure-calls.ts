import { startBare } from '../documents/bare/start-bare.ts'
import { runLoad } from '../load/run-load.ts'
import { rawRequest } from '../raw-request.ts'
import type { Rounds } from '../rounds.ts'
import { say } from '../say.ts'
import type { Options } from '../suite.ts'
import { atLeast, atMost, type Verdict } from '../verdict.ts'
import { asApp, type FunctionsServer } from './start-functions.ts'

// One alone, few, and more than may run at once: those wait for their turn.
const widths = [1, 8, 32] as const

/** Calls of a warm function by an app, beside a route that answers with what it is sent. */
export async function measureCalls(
  { rounds, seconds, warmUpSeconds }: Options,
  taken: Rounds,
  { port, project }: FunctionsServer,
): Promise<Verdict[]> {
  const bodies = Array.from({ length: 1000 }, (_, at) => ({ input: { a: at, b: at } }))
  const path = `/v1/projects/${project.ref}/functions/add`
  const calls = bodies.map((body) => rawRequest({ method: 'POST', path, headers: asApp(project), body }))
  const echoes = bodies.map((body) => rawRequest({ method: 'POST', path: '/echo', body }))
  const bare = await startBare('', '')
  try {
    for (let round = 1; round <= rounds; round += 1) {
      for (const connections of widths) {
        const job = { connections, warmUpSeconds, seconds }
        await taken.take(nameOf(connections), 'Basalt', () => runLoad({ ...job, port, requests: calls }))
      }
      const job = { connections: 32, warmUpSeconds, seconds, port: bare.port, requests: echoes }
      await taken.take(nameOf(32), bare.name, () => runLoad(job))
    }
  } finally {
    await bare.stop()
  }
  const measures = taken.measures()
  const find = (connections: number, subject: string) =>
    measures.find((measure) => measure.name === nameOf(connections) && measure.subject === subject)
  const p50 = find(8, 'Basalt')?.p50 ?? Number.NaN
  const rate = find(32, 'Basalt')?.rate ?? Number.NaN
  const bareRate = find(32, bare.name)?.rate ?? Number.NaN
  say(`  of the bare route's rate, calls reach ${(rate / bareRate).toFixed(2)}`)
  return [
    atMost('call, p50 at 8 connections', p50, 3, 'ms'),
    atLeast('call at 32 connections', rate, 2500, 'calls/s'),
  ]
}

function nameOf(connections: number): string {
  return `call, ${connections} connection${connections === 1 ? '' : 's'}`
}
