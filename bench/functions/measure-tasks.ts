import { call } from '../call.ts'
import { runPaced } from '../load/run-paced.ts'
import { quantile } from '../quantile.ts'
import { rawRequest } from '../raw-request.ts'
import type { Round, Rounds } from '../rounds.ts'
import type { Options } from '../suite.ts'
import { atLeast, atMost, type Verdict } from '../verdict.ts'
import { makeCreates } from './make-creates.ts'
import { asServer, type FunctionsServer } from './start-functions.ts'
import type { TasksTable, TaskTimes } from './tasks-table.ts'

const patienceMs = 60_000
const wantedPerSecond = 1500
// Of writes with an after-hook: one that leaves the server at rest, and one with room above what is wanted.
const fewPerSecond = 100
const manyPerSecond = 2500
// Whether it works is shown by fewer.
const smokePerSecond = 200

/** What functions do after writes: how many of them a second while the writes go on, and how soon each begins. */
export async function measureAfterHooks(
  { rounds, seconds, smoke }: Options,
  taken: Rounds,
  server: FunctionsServer,
  table: TasksTable,
): Promise<Verdict[]> {
  const write = async (perSecond: number): Promise<{ began: number; times: TaskTimes; count: number }> => {
    const requests = makeCreates(server, 'noted', Math.ceil(perSecond * seconds))
    const began = await table.now()
    const { failure } = await runPaced({ port: server.port, perSecond, requests })
    if (failure !== null) throw new Error(failure)
    await table.untilDone(patienceMs)
    return { began, times: await table.read('note', began), count: requests.length }
  }
  const rates = { few: fewPerSecond, many: smoke ? smokePerSecond : manyPerSecond }
  const few = `after-hooks, ${rates.few} writes/s`
  const many = `after-hooks, ${rates.many} writes/s`
  for (let round = 1; round <= rounds; round += 1) {
    await taken.take(few, 'Basalt', async () => {
      const { times, count, began } = await write(rates.few)
      return toRound(times, count, began)
    })
    await taken.take(many, 'Basalt', async () => {
      const { times, count, began } = await write(rates.many)
      return toRound(times, count, began)
    })
  }
  const find = (wanted: string) => taken.measures().find(({ name }) => name === wanted)
  return [
    atLeast('after-hooks, end to end', find(many)?.rate ?? Number.NaN, wantedPerSecond, 'hooks/s'),
    atMost('from a write to the start of its after-hook, p50', find(few)?.p50 ?? Number.NaN, 15, 'ms'),
  ]
}

/** Tasks that wait in a queue that is paused; the time from when it no longer is until the last has ended. */
export async function measureFunctionTasks(
  { rounds, seconds, smoke }: Options,
  taken: Rounds,
  { url, port, project }: FunctionsServer,
  table: TasksTable,
): Promise<Verdict> {
  const name = 'tasks that are functions'
  const path = `/v1/projects/${project.ref}/tasks`
  const pause = (paused: boolean) =>
    call(`${url}${path}/queues/default`, { method: 'PUT', headers: asServer(project), body: { paused } })
  const body = { name: 'work', payload: { some: 'thing' } }
  const request = rawRequest({ method: 'POST', path, headers: asServer(project), body })
  const count = smoke ? smokePerSecond : wantedPerSecond * seconds
  for (let round = 1; round <= rounds; round += 1) {
    await taken.take(name, 'Basalt', async () => {
      const since = await table.now()
      await pause(true)
      const requests = Array.from({ length: count }, () => request)
      const { failure } = await runPaced({ port, perSecond: wantedPerSecond, requests })
      if (failure !== null) throw new Error(failure)
      await table.analyze()
      const began = await table.now()
      await pause(false)
      await table.untilDone(patienceMs)
      // In such a line the wait says how long it was.
      const times = { ...(await table.read('work', since)), waits: [] }
      return toRound(times, count, began)
    })
  }
  const rate = taken.measures().find((measure) => measure.name === name)?.rate ?? Number.NaN
  return atLeast(name, rate, wantedPerSecond, 'tasks/s')
}

function toRound({ succeeded, lastEnd, waits, error }: TaskTimes, count: number, began: number): Round {
  return {
    rate: succeeded / ((lastEnd - began) / 1000),
    p50: quantile(waits, 0.5),
    p99: quantile(waits, 0.99),
    generatorBusy: 0,
    failed: count - succeeded,
    failure: succeeded === count ? null : `${count - succeeded} did not succeed: ${error}`,
  }
}
