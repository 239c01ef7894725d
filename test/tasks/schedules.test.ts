import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startOn, type TestProject, type TestServer } from '../support/server.ts'
import { handleTasks, type TaskServer } from './serve-tasks.ts'

/** Three nodes on one database, all of which look for schedules that are due. */

let database: TestDatabase
let nodes: (TestServer & Pick<TaskServer, 'on' | 'runsOf'>)[]
let project: TestProject

beforeAll(async () => {
  database = await createTestDatabase()
  nodes = []
  for (let n = 0; n < 3; n++) {
    const server = await startOn(database.url, { BASALT_LIMIT_SCHEDULES_BY_PROJECT: '12' })
    nodes.push(Object.assign(server, handleTasks(server)))
  }
  project = await nodes[0]!.createProject()
})

afterAll(async () => {
  for (const node of nodes) await node.stop()
  await database.drop()
})

const put = (name: string, body: object) => project.call('PUT', `/tasks/schedules/${name}`, { body })

const get = async (name: string) => (await project.call('GET', `/tasks/schedules/${name}`)).body

/** Lets the clock of a schedule stand where it would, had nobody looked at it for so long. */
async function sleepThrough(name: string, minutes: number): Promise<void> {
  await database.pool.query(
    `UPDATE basalt.task_schedules
     SET next_run_at = date_trunc('minute', now()) - make_interval(mins => $2)
     WHERE name = $1`,
    [name, minutes],
  )
  await expect.poll(async () => Date.parse((await get(name)).nextRunAt) > Date.now()).toBe(true)
}

async function runsOf(name: string): Promise<{ id: string; at: string }[]> {
  const { body } = await project.call('GET', `/tasks?schedule=${name}&limit=500`)
  return body.tasks.map((task: { id: string; schedule: { at: string } }) => ({
    id: task.id,
    at: task.schedule.at,
  }))
}

test('a schedule is made, shown, changed and deleted', async () => {
  const made = await put('report', {
    cron: '30 6 * * 1-5',
    timeZone: 'Europe/Berlin',
    task: { name: 'send-report', payload: { to: 'all' }, queue: 'mails', maxAttempts: 3, timeout: 60 },
    catchUp: 'once',
  })
  expect(made.status).toBe(200)
  expect(made.body).toEqual({
    name: 'report',
    kind: 'function',
    cron: '30 6 * * 1-5',
    timeZone: 'Europe/Berlin',
    task: { name: 'send-report', payload: { to: 'all' }, queue: 'mails', maxAttempts: 3, timeout: 60 },
    catchUp: 'once',
    paused: false,
    nextRunAt: expect.any(String),
    lastRunAt: null,
    createdAt: expect.any(String),
    updatedAt: expect.any(String),
  })
  const hour = Intl.DateTimeFormat('en', { timeZone: 'Europe/Berlin', hour: 'numeric', minute: 'numeric' })
  expect(hour.format(new Date(made.body.nextRunAt))).toMatch(/^6:30/)
  expect(await get('report')).toEqual(made.body)
  const changed = await put('report', { cron: '0 7 * * *', task: { name: 'send-report' }, paused: true })
  expect(changed.body).toMatchObject({ timeZone: 'UTC', catchUp: 'skip', paused: true, nextRunAt: null })
  const { body: audit } = await project.call('GET', '/audit')
  expect(audit.entries[0]).toMatchObject({ action: 'schedule.put', target: 'report' })

  await put('another', { cron: '0 7 * * *', task: { name: 'x' } })
  const first = (await project.call('GET', '/tasks/schedules?limit=1')).body
  expect(first).toMatchObject({ schedules: [{ name: 'another' }], nextCursor: 'another' })
  const second = (await project.call('GET', '/tasks/schedules?limit=1&after=another')).body
  expect(second).toMatchObject({ schedules: [{ name: 'report' }], nextCursor: null })

  for (const name of ['report', 'another']) {
    expect((await project.call('DELETE', `/tasks/schedules/${name}`)).status).toBe(204)
    expect((await project.call('GET', `/tasks/schedules/${name}`)).status).toBe(404)
    expect((await project.call('DELETE', `/tasks/schedules/${name}`)).status).toBe(404)
  }
})

test('a time that comes is run once, on however many nodes', async () => {
  await put('tick', { cron: '* * * * *', task: { name: 'tick', payload: { a: 1 } } })
  await sleepThrough('tick', 0)
  const runs = () => nodes.flatMap((node) => node.runsOf('tick'))
  await expect.poll(() => runs().length).toBe(1)
  const [run] = runs()
  expect(run!.task).toMatchObject({ payload: { a: 1 }, schedule: { name: 'tick' } })
  expect(run!.task.schedule!.at.getTime() % 60_000).toBe(0)
  expect((await get('tick')).lastRunAt).toBe(run!.task.schedule!.at.toISOString())
  expect((await runsOf('tick')).length).toBe(1)
  await project.call('DELETE', '/tasks/schedules/tick')
})

test('ten schedules that three nodes find due at the same moment run once each', async () => {
  const names = Array.from({ length: 10 }, (_, n) => `many${n}`)
  for (const name of names) await put(name, { cron: '* * * * *', task: { name: 'many' }, catchUp: 'all' })
  await database.pool.query(
    `UPDATE basalt.task_schedules
     SET next_run_at = date_trunc('minute', now()) - interval '4 minutes'
     WHERE name LIKE 'many%'`,
  )
  for (const name of names) {
    await expect.poll(async () => (await runsOf(name)).length).toBeGreaterThanOrEqual(5)
    const times = (await runsOf(name)).map(({ at }) => at)
    expect(new Set(times).size).toBe(times.length)
    await project.call('DELETE', `/tasks/schedules/${name}`)
  }
})

describe('times that passed while no server ran', () => {
  // Half a day from now, so that none comes by itself meanwhile.
  const hour = (new Date().getUTCHours() + 12) % 24
  const daily = `0 ${hour} * * *`

  test('are skipped', async () => {
    await put('skipping', { cron: '0 0 1 1 *', task: { name: 'x' } })
    await sleepThrough('skipping', 60 * 24 * 400)
    expect(await runsOf('skipping')).toEqual([])
  })

  test('are made up for by one run', async () => {
    await put('once', { cron: daily, task: { name: 'x' }, catchUp: 'once' })
    await sleepThrough('once', 60 * 24 * 30)
    const [run, ...more] = await runsOf('once')
    expect(more).toEqual([])
    const last = new Date(Date.now() - 12 * 3_600_000)
    last.setUTCMinutes(0, 0, 0)
    expect(run!.at).toBe(last.toISOString())
  })

  test('are all run, up to a hundred', async () => {
    await put('all', { cron: daily, task: { name: 'x' }, catchUp: 'all' })
    await sleepThrough('all', 60 * 24 * 3)
    expect((await runsOf('all')).length).toBe(3)
    await sleepThrough('all', 60 * 24 * 300)
    expect((await runsOf('all')).length).toBe(103)
  })

  test('are no concern of a schedule that was paused', async () => {
    await put('resting', { cron: '* * * * *', task: { name: 'x' }, catchUp: 'all', paused: true })
    await database.pool.query(
      `UPDATE basalt.task_schedules SET next_run_at = now() - interval '1 day' WHERE name = 'resting'`,
    )
    const { body } = await put('resting', { cron: '* * * * *', task: { name: 'x' }, catchUp: 'all' })
    expect(Date.parse(body.nextRunAt)).toBeGreaterThan(Date.now())
    expect(await runsOf('resting')).toEqual([])
    await project.call('DELETE', '/tasks/schedules/resting')
  })
})

test.each([
  ['a cron expression', { cron: '61 * * * *' }, 'cron'],
  ['a time zone', { timeZone: 'Mars/Olympus' }, 'timeZone'],
  ['a payload', { task: { name: 'x', payload: 'a\0' } }, 'task.payload'],
])('%s that is none is refused, with where it stands', async (_what, body, path) => {
  const { status, body: problem } = await put('bad', { cron: '* * * * *', task: { name: 'x' }, ...body })
  expect([status, problem.code, problem.errors[0].path]).toEqual([400, 'invalid_request', path])
})

test('a project has so many schedules, and can change each of them', async () => {
  const other = await nodes[0]!.createProject()
  const body = { cron: '0 0 1 1 *', task: { name: 'x' } }
  const at = (n: number) => other.call('PUT', `/tasks/schedules/s${n}`, { body })
  for (let n = 0; n < 12; n++) expect((await at(n)).status).toBe(200)
  const refused = await at(12)
  expect([refused.status, refused.body.code]).toEqual([429, 'quota_exceeded'])
  expect((await at(11)).status).toBe(200)
})
