import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deploy } from '../support/deploy.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  const open = { read: 'true', list: 'true', create: 'doc.total > 0', update: 'true', delete: 'true' }
  await project.defineCollection('orders', {
    schema: { type: 'object', properties: { total: { type: 'number' } } },
    rules: open,
  })
  await project.defineCollection('effects')
  await project.defineCollection('ring')
  await project.defineCollection('audited')
  await deploy(project, {
    price: `export default beforeCreate('orders', ({ document }) => {
      if (document.amount > 10) reject('At most ten')
      return { ...document, total: document.amount * 5 }
    })`,
    keepOwner: `export default beforeUpdate('orders', ({ document, before }) => ({ ...document, owner: before.owner }))`,
    keepPaid: `export default beforeDelete('orders', ({ before }) => { if (before.paid) reject('It is paid') })`,
    notify: `import { BasaltError } from '@basalt/client'
    export default afterWrite('orders', async ({ id, document, before }, ctx) => {
      await ctx.basalt.collection('effects').create({
        id: ctx.event.id, event: ctx.event.id, of: id, attempt: ctx.event.attempt,
        kind: before === null ? 'created' : document === null ? 'deleted' : 'updated',
        total: document?.total ?? null,
      }).catch((error) => { if (!(error instanceof BasaltError) || error.code !== 'already_exists') throw error })
      if (document?.flaky && ctx.event.attempt === 1) throw new Error('Once more, please')
    })`,
    audits: `export default beforeCreate('audited', async ({ id }, { basalt, waitUntil }) => {
      const trail = basalt.collection('effects')
      await trail.where({ of: id }).find()
      const code = (error) => error.code
      const told = await Promise.all([
        trail.create({ of: id, kind: 'audit' }).then(() => 'written', code),
        basalt.transaction((tx) => [tx.create('effects', { of: id, kind: 'audit' })]).then(() => 'written', code),
        basalt.functions.call('writes', { id }).then(({ told }) => told, code),
      ])
      waitUntil(new Promise((done) => setTimeout(done, 100)).then(() => trail.create({ of: id, kind: 'behind' })))
      return { told }
    })`,
    writes: `export default callable({ input: { id: string() }, handler: async ({ id }, { basalt }) => ({
      told: await basalt.collection('effects').create({ of: id, kind: 'nested' }).then(() => 'written', (error) => error.code),
    }) })`,
    turn: `export default afterCreate('ring', (_, ctx) => ctx.basalt.collection('ring').create({ depth: ctx.event.depth }))`,
    report: `export default task('send-report', {}, async (payload, ctx) => {
      await ctx.basalt.collection('effects').create({ event: ctx.event.id, kind: 'reported', of: payload.of })
      return { sent: payload.of }
    })`,
    nightly: `export default schedule('0 3 * * *', { timezone: 'Europe/Berlin' }, () => null)`,
  })
}, 60_000)

afterAll(() => server.stop())

const orders = '/collections/orders/documents'

function create(body: object, as = project.publishable) {
  return project.call('POST', orders, { as, body })
}

async function effectsOf(
  of: string,
): Promise<{ kind: string; event: string; attempt: number; total: number }[]> {
  const query = { where: { of }, sort: ['createdAt', 'event'] }
  const { body } = await project.call('POST', '/collections/effects/documents/query', { body: query })
  return body.documents
}

describe('before a write', () => {
  test('a function changes what is stored, and rules judge what it made of it', async () => {
    const { status, body } = await create({ amount: 2 })
    expect(status).toBe(201)
    expect(body).toMatchObject({ amount: 2, total: 10 })
    expect((await create({ amount: 0, total: 99 })).status).toBe(403)
  })

  test('a function refuses, with its reason, and nothing is stored', async () => {
    const { status, body } = await create({ id: 'many', amount: 11 })
    expect(status).toBe(422)
    expect(body).toMatchObject({ code: 'rejected', detail: 'At most ten' })
    expect((await project.call('GET', `${orders}/many`)).status).toBe(404)
  })

  test('an update, a replacement and a deletion are asked about with what is stored', async () => {
    const { body } = await create({ amount: 1, owner: 'ada' })
    const path = `${orders}/${body.id}`
    const patched = await project.call('PATCH', path, { body: { owner: 'eve', note: 'x' } })
    expect(patched.body).toMatchObject({ owner: 'ada', note: 'x', version: 2 })
    const replaced = await project.call('PUT', path, { body: { owner: 'eve', total: 1, paid: true } })
    expect(replaced.body).toMatchObject({ owner: 'ada', paid: true })
    const refused = await project.call('DELETE', path)
    expect(refused.body).toMatchObject({ code: 'rejected', detail: 'It is paid' })
    expect((await project.call('GET', path)).status).toBe(200)
  })

  test('the operations of a transaction are asked about too, and one that is refused undoes all', async () => {
    const operations = [
      { op: 'create', collection: 'orders', id: 'tx1', data: { amount: 3 } },
      { op: 'create', collection: 'orders', id: 'tx2', data: { amount: 12 } },
    ]
    const refused = await project.call('POST', '/transactions', { body: { operations } })
    expect(refused.body).toMatchObject({ code: 'rejected', errors: [{ path: 'operations[1]' }] })
    expect((await project.call('GET', `${orders}/tx1`)).status).toBe(404)
    const done = await project.call('POST', '/transactions', { body: { operations: operations.slice(0, 1) } })
    expect(done.body.results).toMatchObject([{ id: 'tx1', total: 15 }])
  })
})

test('a function that a transaction waits for is told at once that it can not write', async () => {
  const alone = await project.call('POST', '/collections/audited/documents', { body: { id: 'alone' } })
  expect(alone.body.told).toEqual(['written', 'written', 'written'])
  const operations = [{ op: 'create', collection: 'audited', id: 'together', data: {} }]
  const { status, body } = await project.call('POST', '/transactions', { body: { operations } })
  expect({ status, told: body.results?.[0].told }).toEqual({
    status: 200,
    told: ['project_locked', 'project_locked', 'project_locked'],
  })
  // What goes on behind the answer waits as everybody does.
  await expect.poll(() => effectsOf('together'), { timeout: 10_000 }).toMatchObject([{ kind: 'behind' }])
})

describe('after a write', () => {
  test('a function hears of it once it is committed, in every kind, with an id for each event', async () => {
    const { body } = await create({ id: 'heard', amount: 1 })
    await project.call('PATCH', `${orders}/heard`, { body: { total: 7 } })
    await project.call('DELETE', `${orders}/heard`)
    await expect.poll(() => effectsOf(body.id), { timeout: 15_000 }).toHaveLength(3)
    const effects = await effectsOf(body.id)
    const kinds = effects.map(({ kind, total }) => `${kind} ${total}`).toSorted()
    expect(kinds).toEqual(['created 5', 'deleted null', 'updated 7'])
    expect(new Set(effects.map(({ event }) => event)).size).toBe(3)
  })

  test('one that fails hears of it again, under the same id', async () => {
    await create({ id: 'again', amount: 1, flaky: true })
    await expect
      .poll(
        () => project.call('GET', '/tasks?name=notify&state=succeeded').then(({ body }) => attemptsOf(body)),
        {
          timeout: 30_000,
        },
      )
      .toContain(2)
    // The effect was made once: its id was taken the second time.
    expect(await effectsOf('again')).toMatchObject([{ attempt: 1 }])
  }, 40_000)

  test('a write that was refused is none', async () => {
    await create({ id: 'never', amount: 11 })
    await create({ id: 'marker', amount: 1 })
    await expect.poll(() => effectsOf('marker'), { timeout: 15_000 }).toHaveLength(1)
    expect(await effectsOf('never')).toEqual([])
  })

  test('functions that lead to each other end at the eighth, and the logs say so', async () => {
    await project.call('POST', '/collections/ring/documents', { body: {} })
    const depths = async () => {
      const { body } = await project.call('POST', '/collections/ring/documents/query', {
        body: { sort: ['createdAt'] },
      })
      return body.documents.map(({ depth = 0 }: { depth?: number }) => depth)
    }
    await expect.poll(depths, { timeout: 30_000 }).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    const { body } = await project.call('GET', '/functions/turn/logs?level=error')
    expect(JSON.stringify(body)).toContain('more than 8 functions led to this write')
  }, 60_000)
})

describe('in the background', () => {
  test('a task that is enqueued by its name runs the function, and keeps what it returns', async () => {
    const { status, body } = await project.call('POST', '/tasks', {
      body: { name: 'send-report', payload: { of: 'q1' } },
    })
    expect(status).toBe(202)
    const state = () => project.call('GET', `/tasks/${body.id}`).then((answer) => answer.body)
    await expect
      .poll(state, { timeout: 15_000 })
      .toMatchObject({ state: 'succeeded', result: { sent: 'q1' } })
    expect(await effectsOf('q1')).toMatchObject([{ kind: 'reported', event: body.id }])
  })

  test('the schedules of a project are those that its functions declare', async () => {
    const schedules = async () => {
      const { body } = await project.call('GET', '/tasks/schedules')
      return body.schedules.map(
        ({ name, cron, timeZone }: Record<string, string>) => `${name} ${cron} ${timeZone}`,
      )
    }
    expect(await schedules()).toEqual(['nightly 0 3 * * * Europe/Berlin'])
    const its = await server.createProject('Other')
    await deploy(its, { nightly: `export default schedule('0 3 * * *', {}, () => null)` })
    await deploy(its, { hourly: `export default schedule('0 * * * *', {}, () => null)` })
    const { body } = await its.call('GET', '/tasks/schedules')
    expect(body.schedules.map(({ name }: { name: string }) => name)).toEqual(['hourly'])
  })
})

function attemptsOf(body: { tasks: { attempt: number }[] }): number[] {
  return body.tasks.map(({ attempt }) => attempt)
}
