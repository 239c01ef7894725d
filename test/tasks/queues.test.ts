import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TaskHandler } from '../../src/tasks/task.ts'
import { trimOrphanedTasks, trimTasks } from '../../src/tasks/trim-tasks.ts'
import type { TestProject } from '../support/server.ts'
import { enqueue, serveTasks, type TaskServer, taskOf, untilState } from './serve-tasks.ts'

let server: TaskServer

const atOnceByProject = 4

beforeAll(async () => {
  server = await serveTasks({
    BASALT_LIMIT_TASKS_AT_ONCE: '8',
    BASALT_LIMIT_TASKS_AT_ONCE_BY_PROJECT: String(atOnceByProject),
    BASALT_LIMIT_WAITING_TASKS_BY_PROJECT: '500',
    BASALT_LIMIT_TASK_PAYLOAD_BYTES: '1000',
  })
})

afterAll(() => server.stop())

/** Counts how many run at once; they end when they are let go. */
function counted() {
  let running = 0
  let most = 0
  let isOpen = false
  const waiting: (() => void)[] = []
  const handler: TaskHandler = async () => {
    running += 1
    most = Math.max(most, running)
    if (!isOpen) await new Promise<void>((resolve) => waiting.push(resolve))
    else await sleep(5)
    running -= 1
  }
  return {
    handler,
    running: () => running,
    most: () => most,
    open() {
      isOpen = true
      for (const release of waiting) release()
    },
  }
}

async function untilAllSucceeded(project: TestProject, ids: string[]): Promise<void> {
  for (const id of ids) await untilState(project, id, 'succeeded')
}

async function enqueueMany(project: TestProject, count: number, name: string, more: object = {}) {
  return Promise.all(Array.from({ length: count }, () => enqueue(project, name, more)))
}

test('a queue runs as many of its tasks at once as it was told, and others go past it', async () => {
  const project = await server.createProject()
  const { status, body } = await project.call('PUT', '/tasks/queues/narrow', { body: { concurrency: 2 } })
  expect([status, body]).toEqual([200, { name: 'narrow', concurrency: 2, paused: false }])
  const narrow = counted()
  server.on('narrow', narrow.handler)
  const ids = await enqueueMany(project, 8, 'narrow', { queue: 'narrow', priority: 10 })
  await expect.poll(narrow.running).toBe(2)
  await untilState(project, await enqueue(project, 'wide'), 'succeeded')
  expect(narrow.running()).toBe(2)
  narrow.open()
  await untilAllSucceeded(project, ids)
  expect(narrow.most()).toBe(2)
})

test('a paused queue starts nothing until it is paused no more', async () => {
  const project = await server.createProject()
  await project.call('PUT', '/tasks/queues/still', { body: { paused: true } })
  const id = await enqueue(project, 'still', { queue: 'still' })
  await untilState(project, await enqueue(project, 'other'), 'succeeded')
  await sleep(1200)
  expect((await taskOf(project, id)).state).toBe('waiting')
  await project.call('PUT', '/tasks/queues/still', { body: {} })
  await untilState(project, id, 'succeeded')
})

test('a queue comes into being by its first task, and can be forgotten when it is empty', async () => {
  const project = await server.createProject()
  const id = await enqueue(project, 'x', { queue: 'new', delay: 1000 })
  const { body } = await project.call('GET', '/tasks/queues')
  expect(body).toEqual({ queues: [{ name: 'new', concurrency: null, paused: false }] })
  const refused = await project.call('DELETE', '/tasks/queues/new')
  expect([refused.status, refused.body.code]).toEqual([409, 'conflict'])
  await project.call('POST', `/tasks/${id}/cancel`)
  expect((await project.call('DELETE', '/tasks/queues/new')).status).toBe(204)
  expect((await project.call('DELETE', '/tasks/queues/new')).status).toBe(404)
})

test('a project has a hundred queues, and not one more', async () => {
  const project = await server.createProject()
  for (let n = 0; n < 100; n++) await enqueue(project, 'x', { queue: `q${n}`, delay: 1000 })
  const post = (queue: string) => project.call('POST', '/tasks', { body: { name: 'x', queue, delay: 1000 } })
  const refused = await post('q100')
  expect([refused.status, refused.body.code]).toEqual([429, 'quota_exceeded'])
  expect((await post('q99')).status).toBe(202)
  expect((await project.call('PUT', '/tasks/queues/q100', { body: {} })).status).toBe(429)
})

test('a project runs no more at once than it may, and its slow tasks leave room for others', async () => {
  const greedy = await server.createProject()
  const modest = await server.createProject()
  const slow = counted()
  server.on('slow', slow.handler)
  const ids = await enqueueMany(greedy, 20, 'slow')
  await expect.poll(slow.running).toBe(atOnceByProject)
  await untilState(modest, await enqueue(modest, 'quick'), 'succeeded')
  expect(slow.running()).toBe(atOnceByProject)
  slow.open()
  await untilAllSucceeded(greedy, ids)
  expect(slow.most()).toBe(atOnceByProject)
})

test('a long line of one project does not delay the first task of another', async () => {
  const long = await server.createProject()
  const short = await server.createProject()
  const { projects, tasks } = server.app
  const project = (await projects.byRef(long.ref))!
  let ended = 0
  server.on('long', () => void ended++)
  const runAt = new Date(Date.now() + 300)
  // Past the quota, as tasks of hooks are.
  for (let n = 0; n < 20; n++) {
    const batch = Array.from({ length: 500 }, () => ({ kind: 'function', name: 'long', runAt }))
    await tasks.enqueue(server.services.db, project, batch)
  }
  await expect.poll(() => ended).toBeGreaterThan(50)
  await untilState(short, await enqueue(short, 'short'), 'succeeded')
  expect(ended).toBeLessThan(10_000)
  await server.services.db.query(`DELETE FROM basalt.tasks WHERE project_id = $1 AND state <> 'running'`, [
    project.id,
  ])
})

test('what waits in a project has a limit', async () => {
  const project = await server.createProject()
  const found = (await server.app.projects.byRef(project.ref))!
  const later = { kind: 'function', name: 'later', runAt: new Date(Date.now() + 3_600_000) }
  await server.app.tasks.enqueue(
    server.services.db,
    found,
    Array.from({ length: 499 }, () => later),
  )
  const post = () => project.call('POST', '/tasks', { body: { name: 'later', delay: 1000 } })
  expect((await post()).status).toBe(202)
  const refused = await post()
  expect([refused.status, refused.body.code]).toEqual([429, 'quota_exceeded'])
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
})

test.each([
  ['one byte less than the limit', 999, 202],
  ['the limit', 1000, 202],
  ['one byte more', 1001, 413],
])('a payload of %s', async (_what, bytes, expected) => {
  const project = await server.createProject()
  const { status } = await project.call('POST', '/tasks', {
    body: { name: 'x', payload: 'p'.repeat(bytes - 2) },
  })
  expect(status).toBe(expected)
})

test('what has ended is kept for some days, and not more of it than so many', async () => {
  const project = await server.createProject()
  const { db } = server.services
  const { id: projectId } = (await server.app.projects.byRef(project.ref))!
  const ids = await enqueueMany(project, 6, 'old')
  await untilAllSucceeded(project, ids)
  const waiting = await enqueue(project, 'old', { delay: 1000 })
  const age = (id: string, days: number, state: string) =>
    db.query(
      `UPDATE basalt.tasks SET finished_at = now() - make_interval(days => $2), state = $3 WHERE id = $1`,
      [id, days, state],
    )
  await age(ids[0]!, 8, 'succeeded')
  await age(ids[1]!, 8, 'dead')
  await age(ids[2]!, 31, 'dead')
  await age(ids[3]!, 1, 'succeeded')
  const left = async () => {
    const { body } = await project.call('GET', '/tasks')
    return new Set(body.tasks.map((task: { id: string }) => task.id))
  }
  await trimTasks(db, projectId, { days: 7, deadDays: 30, maxRows: 100 })
  expect(await left()).toEqual(new Set([ids[1], ids[3], ids[4], ids[5], waiting]))
  await trimTasks(db, projectId, { days: 7, deadDays: 30, maxRows: 2 })
  expect(await left()).toEqual(new Set([ids[4], ids[5], waiting]))
})

test('tasks of a project that is gone are dropped in the end', async () => {
  const { db } = server.services
  const task = JSON.stringify([
    { id: 'o1', kind: 'function', name: 'lost', max_attempts: 1, timeout_ms: 1000 },
  ])
  await db.query('SELECT basalt.enqueue_tasks($1, $2)', ['nobody', task])
  await sleep(1500)
  expect(server.runsOf('lost')).toEqual([])
  expect(await trimOrphanedTasks(db)).toBe(1)
})
