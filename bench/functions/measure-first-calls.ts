import { setTimeout as sleep } from 'node:timers/promises'
import { call } from '../call.ts'
import { type BenchProject, createProject } from '../launch-basalt.ts'
import { quantile } from '../quantile.ts'
import type { Rounds } from '../rounds.ts'
import { say } from '../say.ts'
import type { Options } from '../suite.ts'
import { atMost, type Verdict } from '../verdict.ts'
import { newCallable } from './function-sources.ts'
import { endFunctionProcesses, findFunctionProcesses, proportionalMegabytes } from './function-processes.ts'
import { roundOfTimes } from './round-of-times.ts'
import { asApp, deploy, type FunctionsServer } from './start-functions.ts'

const subject = 'Basalt'

/** First calls of as many projects, each in a process of its own; then what these take when nobody calls. */
export async function measureColdStarts(
  { rounds, smoke }: Options,
  taken: Rounds,
  server: FunctionsServer,
): Promise<Verdict[]> {
  const count = smoke ? 3 : 20
  const projects: BenchProject[] = []
  // Only those that are made here are counted in the end.
  await endFunctionProcesses(server.pid)
  const starts: number[] = []
  const deployments: number[] = []
  await taken.take('deploy to first answer', subject, async () => {
    for (let n = 0; n < count; n += 1) {
      const project = await createProject(server.url)
      projects.push(project)
      deployments.push(
        await timeOf(async () => {
          await deploy(server.url, project, { first: newCallable(`project ${n}`) })
          starts.push(await timeOf(() => callOnce(server.url, project, 'first')))
        }),
      )
    }
    return roundOfTimes(deployments)
  })
  await taken.take('cold start', subject, () => Promise.resolve(roundOfTimes(starts)))
  for (let round = 2; round <= rounds; round += 1) {
    await endFunctionProcesses(server.pid)
    await taken.take('cold start', subject, async () => {
      const times: number[] = []
      for (const project of projects) times.push(await timeOf(() => callOnce(server.url, project, 'first')))
      starts.push(...times)
      return roundOfTimes(times)
    })
  }
  const verdicts = [
    atMost('deploy to first answer, p95', p95(deployments) / 1000, 2, 's'),
    atMost('cold start, p95', p95(starts), 120, 'ms'),
  ]
  if (process.platform !== 'linux') return verdicts
  const memory = await measureIdleMemory(server.pid, smoke ? 500 : 5_000)
  await endFunctionProcesses(server.pid)
  const mean = memory.reduce((sum, one) => sum + one, 0) / memory.length
  return [...verdicts, atMost(`memory of each of ${memory.length} idle processes`, mean, 25, 'MB')]
}

/** In MB, after a while without calls. */
async function measureIdleMemory(serverPid: number, afterMs: number): Promise<number[]> {
  await sleep(afterMs)
  const memory = await Promise.all((await findFunctionProcesses(serverPid)).map(proportionalMegabytes))
  const sorted = memory.toSorted((a, b) => a - b)
  say(
    `  ${memory.length} idle processes take ${sorted[0]?.toFixed(1)} to ${sorted.at(-1)?.toFixed(1)} MB each`,
  )
  return memory
}

/** First calls in a process that runs: of functions that came with the deployment, and of newly deployed ones. */
export async function measureNewFunctions(
  { rounds, smoke }: Options,
  taken: Rounds,
  server: FunctionsServer,
): Promise<Verdict[]> {
  const count = smoke ? 3 : 20
  const times: number[] = []
  for (let round = 1; round <= rounds; round += 1) {
    const project = await createProject(server.url)
    const names = Array.from({ length: count }, (_, n) => `fn${n}`)
    const made = Object.fromEntries(names.map((name) => [name, newCallable(name)]))
    await deploy(server.url, project, { ...made, warm: newCallable('warm') })
    await callOnce(server.url, project, 'warm')
    await taken.take('first call of a function', subject, async () => {
      const first: number[] = []
      for (const name of names) first.push(await timeOf(() => callOnce(server.url, project, name)))
      times.push(...first)
      return roundOfTimes(first)
    })
    await taken.take('first call of a new version', subject, async () => {
      const first: number[] = []
      for (let n = 0; n < count / 2; n += 1) {
        await deploy(server.url, project, { warm: newCallable(`version ${n}`) })
        first.push(await timeOf(() => callOnce(server.url, project, 'warm')))
      }
      times.push(...first)
      return roundOfTimes(first)
    })
  }
  return [atMost('new function in a warm process, p95', p95(times), 30, 'ms')]
}

async function callOnce(url: string, project: BenchProject, name: string): Promise<void> {
  await call(`${url}/v1/projects/${project.ref}/functions/${name}`, {
    method: 'POST',
    headers: asApp(project),
    body: {},
  })
}

async function timeOf(work: () => Promise<void>): Promise<number> {
  const before = performance.now()
  await work()
  return performance.now() - before
}

function p95(times: readonly number[]): number {
  return quantile(
    times.toSorted((a, b) => a - b),
    0.95,
  )
}
