import { afterAll, beforeAll, expect, test } from 'vitest'
import { callFunction, deploy } from '../support/deploy.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

/** Functions that take all they can get: they are stopped, and nobody else notices much. */

let server: TestServer
let project: TestProject
let neighbour: TestProject

const steady = `export default callable({ handler: () => ({ ok: 1 }) as never })`

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  neighbour = await server.createProject()
  await deploy(neighbour, { steady })
  await deploy(project, {
    steady,
    loop: `export default callable({ handler() { while (true); } })`,
    regex: `export default callable({ handler: () => ({ is: /^(a+)+$/.test('a'.repeat(40) + '!') }) as never })`,
    microtasks: `export default callable({ handler: async () => { while (true) await null } })`,
    heap: `export default callable({ handler() { const all: any[] = []; while (true) all.push({ n: all.length, s: 'x' + all.length }) } })`,
    buffers: `export default callable({ handler: async () => {
      const all: Uint8Array[] = []
      while (true) { all.push(new Uint8Array(8e6).fill(1)); await new Promise((done) => setTimeout(done, 1)) }
    } })`,
    wasm: `export default callable({ handler: async () => {
      const all: WebAssembly.Memory[] = []
      while (true) {
        const memory = new WebAssembly.Memory({ initial: 128 })
        new Uint8Array(memory.buffer).fill(1)
        all.push(memory)
        await new Promise((done) => setTimeout(done, 1))
      }
    } })`,
    recursion: `export default callable({ handler() { const deep = (n: number): number => deep(n + 1) + 1; return { n: deep(0) } as never } })`,
    timers: `export default callable({ timeout: 500, handler: () => new Promise<never>(() => { const again = (): void => { setTimeout(again, 0); setTimeout(again, 0) }; again() }) })`,
    requests: `export default callable({ handler: async (_input, ctx) => {
      const calls = Array.from({ length: 2_000 }, () => ctx.basalt.collections.list().then(() => 'ok', (error) => error.code))
      const counts: Record<string, number> = {}
      for (const outcome of await Promise.all(calls)) counts[outcome] = (counts[outcome] ?? 0) + 1
      return counts as never
    } })`,
    waits: `export default callable({ timeout: 300, handler: () => new Promise<never>(() => { setTimeout(() => {}, 1e6) }) })`,
    never: `export default callable({ handler: () => new Promise<never>(() => {}) })`,
    behind: `export default callable({ handler: (_input, ctx) => {
      ctx.waitUntil(new Promise((done) => setTimeout(done, 50)).then(() => { while (true); }))
      return {}
    } })`,
    floods: `export default callable({ handler: async () => {
      for (let i = 0; i < 50_000; i++) console.log('line ' + i + ' ' + 'x'.repeat(100))
      return {}
    } })`,
    huge: `export default callable({ handler: () => ({ text: 'x'.repeat(7e6) }) as never })`,
  })
  await callFunction(project, 'steady')
})

afterAll(() => server.stop())

/** The first call after a kill may meet the moment of the change. */
async function isWell(of: TestProject): Promise<boolean> {
  for (let tries = 0; tries < 40; tries++) {
    const { status } = await callFunction(of, 'steady')
    if (status === 200) return true
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return false
}

test.each([
  ['loop', 504, 'function_timeout'],
  ['regex', 504, 'function_timeout'],
  ['microtasks', 504, 'function_timeout'],
  ['heap', 507, 'function_out_of_memory'],
  ['buffers', 507, 'function_out_of_memory'],
  ['wasm', 507, 'function_out_of_memory'],
  ['recursion', 500, 'function_failed'],
  ['timers', 504, 'function_timeout'],
  ['waits', 504, 'function_timeout'],
  ['never', 500, 'function_failed'],
] as const)('%s is ended with %i, and the project serves again', async (name, status, code) => {
  const [ended, beside] = await Promise.all([callFunction(project, name), callFunction(neighbour, 'steady')])
  expect({ status: ended.status, code: ended.body.code }).toEqual({ status, code })
  expect(beside.status).toBe(200)
  expect(await isWell(project)).toBe(true)
})

test('thousands of requests at once come back, and nobody else waits for them', async () => {
  const [flood, beside] = await Promise.all([
    callFunction(project, 'requests'),
    callFunction(neighbour, 'steady'),
  ])
  expect(beside.status).toBe(200)
  expect(await isWell(project)).toBe(true)
  // What of them was too much was told so.
  const outcomes = flood.status === 200 ? Object.keys(flood.body.output) : [flood.body.code]
  const told = [
    'rate_limited',
    'unavailable',
    'network',
    'function_timeout',
    'timeout',
    'function_out_of_memory',
  ]
  expect(['ok', ...told]).toEqual(expect.arrayContaining(outcomes))
})

test('a loop that goes on behind the answer is ended too', async () => {
  const pid = await processOf(project)
  expect((await callFunction(project, 'behind')).status).toBe(200)
  await expect.poll(() => isAlive(pid), { timeout: 20_000, interval: 50 }).toBe(false)
  expect(await isWell(project)).toBe(true)
})

test('who keeps hanging is paused, and the others go on', async () => {
  const fresh = await server.createProject()
  await deploy(fresh, { steady, loop: `export default callable({ handler() { while (true); } })` })
  for (let times = 0; times < 3; times++) {
    await isWell(fresh)
    expect((await callFunction(fresh, 'loop')).status).toBe(504)
  }
  expect(await isWell(fresh)).toBe(true)
  const paused = await callFunction(fresh, 'loop')
  expect({ status: paused.status, detail: paused.body.detail }).toEqual({
    status: 503,
    detail: expect.stringContaining('keeps hanging'),
  })
  expect(Number(paused.headers.get('retry-after'))).toBeGreaterThan(1)
  const { body } = await fresh.call('GET', '/functions')
  expect(body.functions).toMatchObject([
    { name: 'steady', pausedUntil: null },
    { name: 'loop', pausedUntil: expect.stringMatching(/^20.*Z$/) },
  ])
  expect(Date.parse(body.functions[1].pausedUntil)).toBeGreaterThan(Date.now())
})

test('a flood of lines is cut, is told of, and harms nobody', async () => {
  const [flood, beside] = await Promise.all([
    callFunction(project, 'floods'),
    callFunction(neighbour, 'steady'),
  ])
  expect([flood.status, beside.status]).toEqual([200, 200])
  // Lines go another way than the answer.
  await expect
    .poll(async () => (await project.call('GET', '/functions/floods/logs?level=warn')).body.logs.length, {
      timeout: 5_000,
    })
    .toBeGreaterThan(0)
  const { body } = await project.call('GET', '/functions/floods/logs?limit=500&search=line')
  expect(body.logs.length).toBeGreaterThan(100)
  const rows = await server.services.control.functionLog.count({ where: { function: 'floods' } })
  expect(rows).toBeLessThan(2_500)
})

test('an output that is too large is a failure', async () => {
  const { status, body } = await callFunction(project, 'huge')
  expect({ status, code: body.code }).toEqual({ status: 500, code: 'function_failed' })
})

test('a process that is killed from outside is replaced', async () => {
  process.kill(await processOf(project), 'SIGKILL')
  expect(await isWell(project)).toBe(true)
})

test('what functions used is counted', async () => {
  const { body } = await project.call('GET', '/functions/usage')
  const steadyUse = body.functions.find(({ name }: { name: string }) => name === 'steady')
  expect(steadyUse).toMatchObject({ errors: expect.any(Number), calls: expect.any(Number) })
  expect(steadyUse.calls).toBeGreaterThan(5)
  expect(body.functions.find(({ name }: { name: string }) => name === 'loop').errors).toBe(1)
  expect(body.gigabyteSeconds).toBeGreaterThan(0)
})

test.runIf(process.platform === 'linux').each(['no-new-privileges', 'none'])(
  'protected by %s only, a loop and a bomb are ended all the same',
  async (protection) => {
    const bare = await startTestServer({ BASALT_FUNCTION_PROTECTION: protection })
    try {
      const theirs = await bare.createProject()
      await deploy(theirs, {
        steady,
        loop: `export default callable({ handler() { while (true); } })`,
        buffers: `export default callable({ handler: async () => {
          const all: Uint8Array[] = []
          while (true) { all.push(new Uint8Array(8e6).fill(1)); await new Promise((done) => setTimeout(done, 1)) }
        } })`,
      })
      expect((await callFunction(theirs, 'loop')).body.code).toBe('function_timeout')
      expect(await isWell(theirs)).toBe(true)
      expect((await callFunction(theirs, 'buffers')).body.code).toBe('function_out_of_memory')
      expect(await isWell(theirs)).toBe(true)
    } finally {
      await bare.stop()
    }
  },
)

test('nothing is left running when the server stops', async () => {
  const other = await startTestServer()
  const theirs = await other.createProject()
  await deploy(theirs, { steady })
  expect(await isWell(theirs)).toBe(true)
  const row = await other.services.control.project.findUniqueOrThrow({ where: { ref: theirs.ref } })
  const { process: running } = await other.app.functions.runtimes
    .of({ ...row, settings: {} as never })
    .process()
  await other.stop()
  await expect.poll(() => isAlive(running.pid), { timeout: 5_000 }).toBe(false)
})

async function processOf({ ref }: TestProject): Promise<number> {
  const found = await server.app.projects.byRef(ref)
  return (await server.app.functions.runtimes.of(found!).process()).process.pid
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
