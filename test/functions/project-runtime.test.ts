import { createServer } from 'node:http'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { createLogger } from '../../src/platform/logging.ts'
import type { Project } from '../../src/projects/project.ts'
import { ProjectRuntime } from '../../src/functions/runtime/project-runtime.ts'
import { callFunction, deploy } from '../support/deploy.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer | undefined

afterEach(() => vi.useRealTimers())
afterAll(() => server?.stop())

test('a process that does not start is tried again at once, and then ever more seldom', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 })
  let starts = 0
  const runtime = new ProjectRuntime({ id: 'p', ref: 'p' } as Project, {
    log: createLogger('silent'),
    limits: { memoryBytes: 1e9, heapBytes: 1e9 },
    idleMs: 1e9,
    start() {
      starts += 1
      return Promise.reject(new Error('no'))
    },
    servePlatform: () => createServer(),
    readOutput: () => undefined,
    ended: () => undefined,
  })
  const startedAt: number[] = []
  for (let ms = 0; ms < 60_000; ms += 50) {
    vi.setSystemTime(ms)
    const before = starts
    await expect(runtime.process()).rejects.toMatchObject({ code: 'unavailable', status: 503 })
    if (starts > before) startedAt.push(ms)
  }
  const waits = startedAt.slice(1).map((at, n) => at - startedAt[n]!)
  expect(waits).toEqual([50, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000, 10_000])
  await runtime.stop()
})

test('a project that nobody calls has no process, and the next call starts one; metrics tell of it', async () => {
  server = await startTestServer({ BASALT_LIMIT_FUNCTION_IDLE_MS: '300' })
  const project = await server.createProject()
  await deploy(project, {
    pid: `export default callable({ access: 'server', handler: () => ({}) })`,
    fails: `export default callable({ access: 'server', handler: () => { throw new Error('no') } })`,
  })
  const metrics = async () => {
    const text: string = (await server!.call('GET', '/metrics')).body
    return (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  }
  expect((await callFunction(project, 'pid')).status).toBe(200)
  expect((await callFunction(project, 'fails')).status).toBe(500)
  const busy = await metrics()
  expect(busy('basalt_function_calls_total{kind="callable",outcome="succeeded"}')).toBe(1)
  expect(busy('basalt_function_calls_total{kind="callable",outcome="failed"}')).toBe(1)
  expect(busy('basalt_function_cold_starts_total')).toBe(2)
  await expect.poll(async () => (await metrics())('basalt_function_processes'), { timeout: 20_000 }).toBe(0)
  expect((await callFunction(project, 'pid')).status).toBe(200)
  const again = await metrics()
  expect(again('basalt_function_cold_starts_total')).toBe(3)
  expect(again('basalt_function_processes')).toBe(1)
  // One on trial, one that was idle.
  expect(again('basalt_function_process_ends_total{reason="stopped"}')).toBe(2)
}, 40_000)
