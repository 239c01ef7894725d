import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from '../../client-sdk/src/client.ts'
import { callFunction, deploy, tryDeploy } from '../support/deploy.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject

const note = (as: string) => `async ({ topic, data }, ctx) => {
  await ctx.basalt.collection('heard').create({
    by: '${as}', topic, data, event: ctx.event.id, attempt: ctx.event.attempt, depth: ctx.event.depth, caller: ctx.caller,
  })
  if (data?.flaky && ctx.event.attempt === 1) throw new Error('Once more, please')
  if (data?.poison) reject('Not that')
}`

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  await project.defineCollection('heard')
  await deploy(project, {
    exact: `export default subscriber('orders.paid', {}, ${note('exact')})`,
    below: `export default subscriber('orders.*', { filter: { total: { $gte: 100 }, $or: [{ country: 'DE' }, { tags: { $contains: 'vip' } }] } }, ${note('below')})`,
    poisoned: `export default subscriber('poison', { maxAttempts: 3 }, ${note('poisoned')})`,
    turns: `export default subscriber('ring', {}, async ({ data }, ctx) => {
      await ctx.basalt.collection('heard').create({ by: 'turns', topic: 'ring', depth: ctx.event.depth })
      await ctx.basalt.topics.publish('ring', data).catch((error) => ctx.log.warn(error.code))
    })`,
    tells: `export default callable({ access: 'server', handler: async (_, ctx) => ctx.basalt.topics.publish('orders.paid', { from: 'function' }) as never })`,
    mayNot: `export default callable({ access: 'server', scopes: ['documents:read'], handler: async (_, ctx) => ctx.basalt.topics.publish('orders.paid', 1) as never })`,
  })
}, 60_000)

afterAll(() => server.stop())

function publish(topic: string, data: unknown, options: object = {}) {
  return project.call('POST', `/topics/${topic}/messages`, { body: { data }, ...options })
}

interface Heard {
  by: string
  event: string
  attempt: number
  depth: number
}

async function heard(where: object): Promise<Heard[]> {
  const { body } = await project.call('POST', '/collections/heard/documents/query', {
    body: { where, sort: ['createdAt'], limit: 100 },
  })
  return body.documents
}

describe('a message', () => {
  test('is heard by each function that subscribes to its topic, with what was published', async () => {
    const { status, body } = await publish('orders.paid', { n: 1, total: 150, country: 'DE' })
    expect({ status, body }).toEqual({ status: 202, body: { id: expect.any(String), subscribers: 2 } })
    await expect.poll(() => heard({ 'data.n': 1 }), { timeout: 15_000 }).toHaveLength(2)
    const all = await heard({ 'data.n': 1 })
    expect(all.map(({ by, event }) => `${by} ${event}`).toSorted()).toEqual([
      `below ${body.id}-below`,
      `exact ${body.id}-exact`,
    ])
    expect(all[0]).toMatchObject({ topic: 'orders.paid', data: { n: 1 }, caller: 'system', depth: 0 })
  })

  test.each([
    ['orders.sent', { total: 100, country: 'DE' }, 1],
    ['orders.sent.abroad', { total: 100, tags: ['new', 'vip'] }, 1],
    ['orders.sent', { total: 99, country: 'DE' }, 0],
    ['orders.sent', { total: '100', country: 'DE' }, 0],
    ['orders.sent', { total: 100 }, 0],
    ['orders.paid', { total: 1 }, 1],
    ['orders.paid', null, 1],
    ['orders', { total: 100, country: 'DE' }, 0],
    ['ordersx.sent', { total: 100, country: 'DE' }, 0],
    ['nobody', 'a text', 0],
  ])('of %s with %j is matched by topic and filter: %i hear it', async (topic, data, subscribers) => {
    expect((await publish(topic, data)).body.subscribers).toBe(subscribers)
  })

  test('is delivered again under the same id when the function failed', async () => {
    const { body } = await publish('orders.paid', { n: 2, flaky: true })
    await expect.poll(() => heard({ 'data.n': 2 }), { timeout: 20_000 }).toHaveLength(2)
    const all = await heard({ 'data.n': 2 })
    expect(all.map(({ event, attempt }) => `${event} ${attempt}`)).toEqual([
      `${body.id}-exact 1`,
      `${body.id}-exact 2`,
    ])
  }, 30_000)

  test('that a function refuses is a dead task, which can be begun anew', async () => {
    const { body } = await publish('poison', { poison: true })
    const task = () => project.call('GET', `/tasks/${body.id}-poisoned`).then((answer) => answer.body)
    await expect.poll(task, { timeout: 15_000 }).toMatchObject({
      state: 'dead',
      kind: 'topic_message',
      maxAttempts: 3,
      error: { code: 'rejected' },
    })
    expect((await project.call('POST', `/tasks/${body.id}-poisoned/retry`)).status).toBe(200)
  })

  test('that is published twice with one key is one message', async () => {
    const headers = { 'idempotency-key': 'once' }
    const first = await publish('orders.paid', { n: 3 }, { headers })
    const second = await publish('orders.paid', { n: 3 }, { headers })
    expect(second).toMatchObject({ status: 202, body: first.body })
    const other = await publish('orders.paid', { n: 4 }, { headers })
    expect(other).toMatchObject({ status: 409, body: { code: 'conflict' } })
    await expect.poll(() => heard({ 'data.n': 3 }), { timeout: 15_000 }).toHaveLength(1)
    expect(await heard({ 'data.n': 4 })).toEqual([])
  })

  test('comes from functions too, if they may enqueue tasks', async () => {
    const told = await callFunction(project, 'tells')
    expect(told.body.output).toMatchObject({ subscribers: 1 })
    await expect
      .poll(() => heard({ 'data.from': 'function' }), { timeout: 15_000 })
      .toMatchObject([{ depth: 1 }])
    expect((await callFunction(project, 'mayNot')).status).toBe(500)
  })

  test('that leads to itself ends at the eighth function, and the logs say so', async () => {
    await publish('ring', 0)
    const depths = () => heard({ topic: 'ring' }).then((all) => all.map(({ depth }) => depth))
    await expect.poll(depths, { timeout: 30_000 }).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    const log = async (level: string) =>
      JSON.stringify((await project.call('GET', `/functions/turns/logs?level=${level}`)).body.logs)
    await expect.poll(() => log('error')).toContain('more than 8 functions led to this message')
    await expect.poll(() => log('warn')).toContain('conflict')
  }, 40_000)

  test('is sent by the client', async () => {
    const { url } = server
    const basalt = createClient({ url, project: project.ref, key: project.secret })
    expect(await basalt.topics.publish('orders.paid', { n: 5 })).toMatchObject({ subscribers: 1 })
    const app = createClient({ url, project: project.ref, key: project.publishable })
    await expect(app.topics.publish('orders.paid', 1)).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe('is refused:', () => {
  test.each([
    ['a topic with a star', 'orders.*', 1, 400, 'invalid_request'],
    ['a topic with an empty part', 'orders..paid', 1, 400, 'invalid_request'],
    ['a topic that is too long', 'a'.repeat(101), 1, 400, 'invalid_request'],
    ['a message of 64 KiB and a byte', 'orders.paid', 'x'.repeat(64 * 1024 - 1), 413, 'payload_too_large'],
    ['text that can not be stored', 'orders.paid', 'a\u0000b', 400, 'invalid_request'],
  ])('%s', async (_what, topic, data, status, code) => {
    const answer = await publish(encodeURIComponent(topic), data)
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code })
  })

  test('one more than the line holds', async () => {
    const small = await startTestServer({ BASALT_LIMIT_WAITING_TASKS_BY_PROJECT: '2' })
    try {
      const full = await small.createProject()
      await full.call('PUT', '/tasks/queues/default', { body: { paused: true } })
      await deploy(full, {
        one: `export default subscriber('*', {}, () => null)`,
        two: `export default subscriber('news', {}, () => null)`,
      })
      const tell = () => full.call('POST', '/topics/news/messages', { body: { data: 1 } })
      expect((await tell()).status).toBe(202)
      expect(await tell()).toMatchObject({ status: 429, body: { code: 'quota_exceeded' } })
    } finally {
      await small.stop()
    }
  }, 30_000)

  test('a message of exactly 64 KiB is not', async () => {
    expect((await publish('nobody', 'x'.repeat(64 * 1024 - 2))).status).toBe(202)
  })

  test.each([
    ['a topic that is none', `subscriber('orders.*.paid', {}, () => null)`, 'topic'],
    ['an unknown operator', `subscriber('a', { filter: { n: { $near: 1 } } }, () => null)`, 'filter'],
    ['full text', `subscriber('a', { filter: { $search: 'x' } }, () => null)`, 'filter.$search'],
    [
      'a filter that is too deep',
      `subscriber('a', { filter: ${'{"$not":'.repeat(9)}{}${'}'.repeat(9)} }, () => null)`,
      'filter',
    ],
  ])('a deployment with %s, with the file', async (_what, code, path) => {
    const { status, body } = await tryDeploy(project, { broken: `export default ${code}` })
    expect(status).toBe(422)
    expect(body.errors[0]).toMatchObject({ path: 'functions/broken.ts' })
    expect(body.errors[0].message).toContain(path)
  })
})

test('functions for files are accepted with a warning that nothing calls them yet', async () => {
  const fresh = await server.createProject()
  const { body } = await deploy(fresh, {
    checks: `export default beforeUpload('images', () => null)`,
    resize: `export default afterUpload('images', () => null)`,
  })
  expect(body.warnings).toEqual([
    { path: 'functions/checks.ts', code: 'not_run_yet', message: expect.stringContaining('no files yet') },
    { path: 'functions/resize.ts', code: 'not_run_yet', message: expect.stringContaining('no files yet') },
  ])
  expect(
    (await deploy(fresh, { plain: `export default callable({ handler: () => ({}) })` })).body.warnings,
  ).toEqual([])
})
