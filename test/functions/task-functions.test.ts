import { afterAll, beforeAll, expect, test } from 'vitest'
import { callFunction, deploy, tryDeploy } from '../support/deploy.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  await project.defineCollection('seen')
})

afterAll(() => server.stop())

async function enqueue(name: string, more: object = {}): Promise<string> {
  const { status, body } = await project.call('POST', '/tasks', { body: { name, ...more } })
  expect(status).toBe(202)
  return body.id
}

const task = (id: string) => project.call('GET', `/tasks/${id}`).then(({ body }) => body)

test('as many of a task run at once as its function says, from its own queue, and others go past it', async () => {
  await deploy(project, {
    slow: `export default task('slow/work', { concurrency: 2 }, async (_, { basalt, event }) => {
      const seen = basalt.collection('seen')
      await seen.create({ id: event.id, isRunning: true })
      const running = await seen.where({ isRunning: true }).find({ count: true })
      await new Promise((done) => setTimeout(done, 150))
      await seen.update(event.id, { isRunning: false })
      return running.count
    })`,
    quick: `export default task('quick', {}, () => 'past')`,
  })
  const ids: string[] = []
  for (let n = 0; n < 8; n++) ids.push(await enqueue('slow/work'))
  const past = await enqueue('quick')
  await expect
    .poll(() => task(past), { timeout: 10_000 })
    .toMatchObject({ state: 'succeeded', queue: 'default' })
  await expect
    .poll(() => task(ids.at(-1)!), { timeout: 20_000 })
    .toMatchObject({ state: 'succeeded', queue: 'slow' })
  const results = await Promise.all(ids.map((id) => task(id).then(({ result }) => result as number)))
  expect(Math.max(...results)).toBe(2)
  // Who enqueues may choose another.
  expect(await task(await enqueue('slow/work', { queue: 'mine' }))).toMatchObject({ queue: 'mine' })
}, 40_000)

test('a task says how far it is, and its last word is kept', async () => {
  await deploy(project, {
    counts: `export default task('counts', {}, async (_, { progress, signal }) => {
      for (let n = 1; n <= 50; n++) progress({ done: n, of: 50 })
      await new Promise((done, fail) => { setTimeout(done, 1_500); signal.addEventListener('abort', () => fail(signal.reason)) })
      progress({ done: 'all' })
      return 'counted'
    })`,
    boasts: `export default task('boasts', {}, (_, { progress }) => { progress('x'.repeat(5_000)); progress(() => 1); return 'done' })`,
    outside: `export default callable({ access: 'server', handler: (_, { progress }) => { progress(1); return {} } })`,
  })
  const id = await enqueue('counts')
  await expect
    .poll(() => task(id), { timeout: 10_000 })
    .toMatchObject({
      state: 'running',
      progress: { done: 50, of: 50 },
    })
  await expect
    .poll(() => task(id), { timeout: 10_000 })
    .toMatchObject({
      state: 'succeeded',
      progress: { done: 'all' },
      result: 'counted',
    })
  const tooMuch = await enqueue('boasts')
  await expect
    .poll(() => task(tooMuch), { timeout: 10_000 })
    .toMatchObject({ state: 'succeeded', progress: null })
  expect((await callFunction(project, 'outside')).status).toBe(200)
}, 30_000)

test('a task that is cancelled is told, and is tried no more', async () => {
  const id = await enqueue('counts')
  await expect.poll(() => task(id), { timeout: 10_000 }).toMatchObject({ state: 'running' })
  await project.call('POST', `/tasks/${id}/cancel`)
  await expect.poll(() => task(id), { timeout: 10_000 }).toMatchObject({ state: 'cancelled', attempt: 1 })
})

test('a task may take the time that it was enqueued with, or less if its function says so', async () => {
  const strict = await server.createProject()
  const slow = `async () => { await new Promise((done) => setTimeout(done, 800)); return 'done' }`
  const small = await startTestServer({ BASALT_LIMIT_FUNCTION_MS: '300' })
  try {
    const limited = await small.createProject()
    await deploy(limited, {
      long: `export default task('long', {}, ${slow})`,
      short: `export default task('short', { timeout: 200, maxAttempts: 1 }, ${slow})`,
      called: `export default callable({ access: 'server', handler: ${slow} })`,
    })
    const ended = async (name: string) => {
      const { body } = await limited.call('POST', '/tasks', { body: { name } })
      const read = () => limited.call('GET', `/tasks/${body.id}`).then((answer) => answer.body)
      await expect
        .poll(() => read().then(({ state }) => state), { timeout: 10_000 })
        .toMatch(/succeeded|dead/)
      return read()
    }
    expect(await ended('long')).toMatchObject({ state: 'succeeded', result: 'done' })
    expect(await ended('short')).toMatchObject({ state: 'dead', error: { code: 'function_timeout' } })
    expect((await callFunction(limited, 'called')).body.code).toBe('function_timeout')
  } finally {
    await small.stop()
  }
  const named = await tryDeploy(strict, { odd: `export default task('Mein Bericht', {}, () => null)` })
  expect(named).toMatchObject({ status: 422, body: { errors: [{ path: 'functions/odd.ts' }] } })
}, 30_000)

test('while the next version gets a share of the calls, hooks and tasks stay with the active one', async () => {
  const shared = await server.createProject()
  await shared.defineCollection('orders')
  const version = (n: number) => ({
    stamp: `export default beforeCreate('orders', ({ document }) => ({ ...document, by: ${n} }))`,
    report: `export default task('report', {}, () => ${n})`,
    which: `export default callable({ access: 'server', handler: () => (${n}) as never })`,
  })
  await deploy(shared, version(1))
  const { stamp: _stamp, ...others } = version(2)
  expect((await tryDeploy(shared, others, { share: 0.99 })).status).toBe(201)
  for (let n = 0; n < 5; n++) {
    const { body } = await shared.call('POST', '/collections/orders/documents', { body: {} })
    expect(body.by).toBe(1)
  }
  const { body } = await shared.call('POST', '/tasks', { body: { name: 'report' } })
  const read = () => shared.call('GET', `/tasks/${body.id}`).then((answer) => answer.body)
  await expect.poll(read, { timeout: 10_000 }).toMatchObject({ state: 'succeeded', result: 1 })
  const outputs: number[] = []
  for (let n = 0; n < 10; n++) outputs.push((await callFunction(shared, 'which')).body.output)
  expect(outputs).toContain(2)
}, 30_000)
