import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TaskFailure, type TaskRun } from '../../src/tasks/task.ts'
import type { TestProject } from '../support/server.ts'
import { enqueue, serveTasks, type TaskServer, taskOf, untilState } from './serve-tasks.ts'

let server: TaskServer
let project: TestProject

beforeAll(async () => {
  server = await serveTasks()
  project = await server.createProject()
})

afterAll(() => server.stop())

/** A handler that waits until it is let go, or told to end. */
function held() {
  let release = (_value?: unknown): void => undefined
  const released = new Promise((resolve) => (release = resolve))
  const handler = ({ signal }: TaskRun) =>
    Promise.race([
      released,
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new Error('told to end'))),
      ),
    ])
  return { handler, release }
}

describe('a task', () => {
  test('runs with what it was given, and what it returns is kept', async () => {
    server.on('double', ({ task }) => ({ doubled: (task.payload as { n: number }).n * 2 }))
    const id = await enqueue(project, 'double', { payload: { n: 21 } })
    const task = await untilState(project, id, 'succeeded')
    expect(task).toEqual({
      id,
      name: 'double',
      kind: 'function',
      state: 'succeeded',
      queue: 'default',
      priority: 0,
      key: null,
      attempt: 1,
      maxAttempts: 10,
      timeout: 300,
      payload: { n: 21 },
      progress: null,
      result: { doubled: 42 },
      error: null,
      schedule: null,
      cancelRequested: false,
      createdAt: expect.any(String),
      runAt: expect.any(String),
      startedAt: expect.any(String),
      finishedAt: expect.any(String),
    })
    const [run] = server.runsOf('double')
    expect(run?.project.ref).toBe(project.ref)
    expect(run?.task).toMatchObject({ id, name: 'double', payload: { n: 21 }, attempt: 1, maxAttempts: 10 })
  })

  test('needs no payload, and may return nothing', async () => {
    const id = await enqueue(project, 'nothing')
    expect(await untilState(project, id, 'succeeded')).toMatchObject({ payload: null, result: null })
  })

  test('starts not before its time, and soon after it', async () => {
    const runAt = new Date(Date.now() + 700)
    const later = await enqueue(project, 'later', { runAt: runAt.toISOString() })
    const delayed = await enqueue(project, 'later', { delay: 0.5 })
    expect(await taskOf(project, later)).toMatchObject({ state: 'scheduled', runAt: runAt.toISOString() })
    for (const id of [later, delayed]) {
      const { runAt: due, startedAt } = await untilState(project, id, 'succeeded')
      expect(Date.parse(startedAt)).toBeGreaterThanOrEqual(Date.parse(due))
    }
  })

  test('that is due in the past starts at once', async () => {
    const id = await enqueue(project, 'later', { runAt: '0001-01-01T00:00:00Z' })
    await untilState(project, id, 'succeeded')
  })

  test('tells its progress while it runs, and its last word at the end', async () => {
    const { handler, release } = held()
    server.on('slow', (run) => {
      run.progress({ percent: 10 })
      run.progress({ percent: 20 })
      return handler(run).then(() => run.progress({ percent: 100 }))
    })
    const id = await enqueue(project, 'slow')
    await expect.poll(async () => (await taskOf(project, id)).progress).toEqual({ percent: 20 })
    release()
    expect((await untilState(project, id, 'succeeded')).progress).toEqual({ percent: 100 })
  })

  test('of higher priority starts before others that are due', async () => {
    const { handler, release } = held()
    const order: unknown[] = []
    server.on('line', ({ task }) => void order.push(task.payload))
    server.on('plug', handler)
    await project.call('PUT', '/tasks/queues/line', { body: { concurrency: 1 } })
    await enqueue(project, 'plug', { queue: 'line' })
    await expect.poll(() => server.runsOf('plug').length).toBe(1)
    const ids: string[] = []
    for (const [payload, priority] of [
      ['low', -5],
      ['first', 0],
      ['second', 0],
      ['high', 7],
    ] as const) {
      ids.push(await enqueue(project, 'line', { payload, priority, queue: 'line' }))
    }
    release()
    for (const id of ids) await untilState(project, id, 'succeeded')
    expect(order).toEqual(['high', 'first', 'second', 'low'])
  })
})

describe('a task that fails', () => {
  test('is tried again with the same id, and forgets no failure until it succeeds', async () => {
    server.on('flaky', ({ task }) => {
      if (task.attempt < 2) throw new TaskFailure('not_yet', 'Come again.', { retryAfterMs: 50 })
      return task.attempt
    })
    const id = await enqueue(project, 'flaky')
    const task = await untilState(project, id, 'succeeded')
    expect(task).toMatchObject({ attempt: 2, result: 2, error: { code: 'not_yet', message: 'Come again.' } })
    expect(server.runsOf('flaky').map((run) => run.task.id)).toEqual([id, id])
  })

  test('waits longer after each attempt', async () => {
    server.on('failing', () => {
      throw new TaskFailure('broken', 'It does not work.')
    })
    const id = await enqueue(project, 'failing')
    const task = await untilState(project, id, 'scheduled')
    const wait = Date.parse(task.runAt) - Date.parse(task.error.at)
    expect(wait).toBeGreaterThan(900)
    expect(wait).toBeLessThan(2_100)
    await project.call('POST', `/tasks/${id}/cancel`)
  })

  test('is dead after its last attempt, and can be retried', async () => {
    let isMended = false
    server.on('dying', () => {
      if (!isMended) throw new TaskFailure('broken', 'Not \0 today.', { retryAfterMs: 10 })
      return 'alive'
    })
    const id = await enqueue(project, 'dying', { maxAttempts: 2 })
    const dead = await untilState(project, id, 'dead')
    expect(dead).toMatchObject({ attempt: 2, error: { code: 'broken', message: 'Not  today.' } })
    const { body } = await project.call('GET', '/tasks?state=dead')
    expect(body.tasks.map((task: { id: string }) => task.id)).toContain(id)

    isMended = true
    const retried = await project.call('POST', `/tasks/${id}/retry`)
    expect(retried.status).toBe(200)
    expect(await untilState(project, id, 'succeeded')).toMatchObject({ attempt: 1, result: 'alive' })
    const again = await project.call('POST', `/tasks/${id}/retry`)
    expect([again.status, again.body.code]).toEqual([409, 'conflict'])
  })

  test('for good is dead at once', async () => {
    server.on('hopeless', () => {
      throw new TaskFailure('no_such_thing', 'There is nothing to do.', { isPermanent: true })
    })
    const id = await enqueue(project, 'hopeless')
    expect(await untilState(project, id, 'dead')).toMatchObject({
      attempt: 1,
      error: { code: 'no_such_thing' },
    })
  })

  test('by a fault of the server says nothing of it', async () => {
    server.on('leaking', () => {
      throw new Error('password=hunter2 at /srv/secret.ts')
    })
    const id = await enqueue(project, 'leaking', { maxAttempts: 1 })
    const task = await untilState(project, id, 'dead')
    expect(task.error).toMatchObject({ code: 'internal', message: 'Something went wrong on our side.' })
    expect(JSON.stringify(task)).not.toContain('hunter2')
  })

  test.each([
    ['a result that is not JSON', 10n, 'invalid_result'],
    ['a result that is too large', 'x'.repeat(300_000), 'result_too_large'],
  ])('by %s is dead, since trying again would not help', async (_what, result, code) => {
    server.on('returning', () => result)
    const id = await enqueue(project, 'returning')
    expect((await untilState(project, id, 'dead')).error.code).toBe(code)
  })

  test('keeps a result with characters that are no text of PostgreSQL', async () => {
    server.on('odd', () => ({ nul: '\0', half: '\ud800', quote: '\\u0000"' }))
    const id = await enqueue(project, 'odd')
    expect((await untilState(project, id, 'succeeded')).result).toEqual({
      nul: '\0',
      half: '\ud800',
      quote: '\\u0000"',
    })
  })

  test('by its time limit is told to end, and given up if it does not', async () => {
    let isAborted = false
    server.on('endless', ({ signal }) => {
      signal.addEventListener('abort', () => (isAborted = true))
      return new Promise(() => undefined)
    })
    const id = await enqueue(project, 'endless', { timeout: 1, maxAttempts: 1 })
    const task = await untilState(project, id, 'dead')
    expect(task.error).toMatchObject({ code: 'timeout', message: 'It ran longer than 1 s.' })
    expect(isAborted).toBe(true)
  })

  test('is not tried by a server that has nothing for its kind, and says so', async () => {
    const { projects, tasks } = server.app
    const found = (await projects.byRef(project.ref))!
    const [id] = await tasks.enqueue(server.services.db, found, [
      { kind: 'unheard', name: 'x', maxAttempts: 1 },
    ])
    tasks.wake(found)
    expect((await untilState(project, id!, 'dead')).error.code).toBe('no_handler')
  })
})

describe('cancelling', () => {
  test('a task that waits ends it at once', async () => {
    const id = await enqueue(project, 'never', { delay: 1000 })
    const { status, body } = await project.call('POST', `/tasks/${id}/cancel`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ state: 'cancelled', cancelRequested: true })
    const again = await project.call('POST', `/tasks/${id}/cancel`)
    expect([again.status, again.body.code]).toEqual([409, 'conflict'])
    expect(server.runsOf('never')).toEqual([])
  })

  test('a task that runs tells it to end, and does not try it again', async () => {
    const { handler } = held()
    server.on('cancelled', handler)
    const id = await enqueue(project, 'cancelled')
    await untilState(project, id, 'running')
    const { body } = await project.call('POST', `/tasks/${id}/cancel`)
    expect(body.cancelRequested).toBe(true)
    expect((await untilState(project, id, 'cancelled')).error.code).toBe('cancelled')
    await sleep(100)
    expect(server.runsOf('cancelled').length).toBe(1)
  })

  test('a run that succeeds all the same leaves it succeeded', async () => {
    const { handler: _unused, release } = held()
    let finish = (): void => undefined
    server.on('stubborn', () => new Promise<void>((resolve) => (finish = resolve)))
    const id = await enqueue(project, 'stubborn')
    await untilState(project, id, 'running')
    await project.call('POST', `/tasks/${id}/cancel`)
    finish()
    release()
    await untilState(project, id, 'succeeded')
  })

  test('can be heard from the table alone', async () => {
    const { handler } = held()
    server.on('unheard', handler)
    const id = await enqueue(project, 'unheard')
    await untilState(project, id, 'running')
    await server.services.db.query('UPDATE basalt.tasks SET cancel_requested_at = now() WHERE id = $1', [id])
    await untilState(project, id, 'cancelled')
  })
})

describe('a key', () => {
  test('keeps a second task from being made while the first has not started', async () => {
    const first = await enqueue(project, 'keyed', { key: 'k1', delay: 1000, payload: 1 })
    expect(await enqueue(project, 'keyed', { key: 'k1', payload: 2 })).toBe(first)
    expect(await taskOf(project, first)).toMatchObject({ state: 'scheduled', payload: 1, key: 'k1' })
    const other = await server.createProject()
    expect(await enqueue(other, 'keyed', { key: 'k1' })).not.toBe(first)
  })

  test('with replace gives the first what the second says', async () => {
    const first = await enqueue(project, 'replaced', { key: 'k2', delay: 1000, payload: 1 })
    const second = await enqueue(project, 'replaced', {
      key: 'k2',
      payload: 2,
      priority: 3,
      onKeyConflict: 'replace',
    })
    expect(second).toBe(first)
    expect(await untilState(project, first, 'succeeded')).toMatchObject({
      payload: 2,
      priority: 3,
      attempt: 1,
    })
    expect(server.runsOf('replaced').length).toBe(1)
  })

  test('is free again as soon as its task starts', async () => {
    const { handler, release } = held()
    server.on('busy', handler)
    const first = await enqueue(project, 'busy', { key: 'k3' })
    await untilState(project, first, 'running')
    const second = await enqueue(project, 'busy', { key: 'k3' })
    expect(second).not.toBe(first)
    release()
    await untilState(project, second, 'succeeded')
  })

  test('stands for one task however many ask at once', async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, () => enqueue(project, 'rush', { key: 'k4', delay: 1000 })),
    )
    expect(new Set(ids).size).toBe(1)
  })
})

test('a request with an Idempotency-Key enqueues once', async () => {
  const post = (body: object, key = 'i1') =>
    project.call('POST', '/tasks', { body, headers: { 'idempotency-key': key } })
  const answers = await Promise.all(Array.from({ length: 5 }, () => post({ name: 'once', payload: 1 })))
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
  expect(answers.every(({ status }) => status === 202)).toBe(true)
  await untilState(project, answers[0]!.body.id, 'succeeded')
  expect((await post({ name: 'once', payload: 1 })).body.id).toBe(answers[0]!.body.id)
  const misused = await post({ name: 'once', payload: 2 })
  expect([misused.status, misused.body.code]).toEqual([409, 'conflict'])
  expect((await post({ name: 'once', payload: 1 }, 'i2')).body.id).not.toBe(answers[0]!.body.id)
})

test('lists are filtered, and read page by page, the newest first', async () => {
  const own = await server.createProject()
  const ids: string[] = []
  for (let n = 0; n < 5; n++)
    ids.push(await enqueue(own, n % 2 ? 'odd' : 'even', { delay: 1000, queue: `q${n}` }))
  const list = async (query: string) => {
    const { status, body } = await own.call('GET', `/tasks?${query}`)
    expect(status).toBe(200)
    return {
      ids: body.tasks.map((task: { id: string }) => task.id),
      next: body.nextCursor,
      tasks: body.tasks,
    }
  }
  const first = await list('limit=2')
  expect(first.ids).toEqual([ids[4], ids[3]])
  const second = await list(`limit=2&after=${encodeURIComponent(first.next)}`)
  expect(second.ids).toEqual([ids[2], ids[1]])
  expect(await list(`limit=2&after=${encodeURIComponent(second.next)}`)).toMatchObject({
    ids: [ids[0]],
    next: null,
  })
  expect((await list('name=odd')).ids).toEqual([ids[3], ids[1]])
  expect((await list('queue=q2')).ids).toEqual([ids[2]])
  expect((await list('state=scheduled&limit=4')).ids).toEqual([ids[4], ids[3], ids[2], ids[1]])
  expect((await list('state=waiting')).ids).toEqual([])
  expect(first.tasks[0]).not.toHaveProperty('payload')
})

test('ids that do not grow with time are listed, read and cancelled like others, in the order of time', async () => {
  const own = await server.createProject()
  const found = (await server.app.projects.byRef(own.ref))!
  const later = { kind: 'function', name: 'later', runAt: new Date(Date.now() + 3_600_000) }
  const ids: string[] = []
  for (const id of ['9.after-order', '10.after-order', undefined, '11.after-order']) {
    ids.push(
      ...(await server.app.tasks.enqueue(server.services.db, found, [{ ...later, ...(id && { id }) }])),
    )
    await sleep(5)
  }
  const listed: string[] = []
  for (let after = ''; ;) {
    const { status, body } = await own.call('GET', `/tasks?limit=1${after}`)
    expect(status).toBe(200)
    listed.push(...body.tasks.map((task: { id: string }) => task.id))
    if (body.nextCursor === null) break
    after = `&after=${encodeURIComponent(body.nextCursor)}`
  }
  expect(listed).toEqual(ids.toReversed())
  expect((await own.call('POST', '/tasks/9.after-order/cancel')).body.state).toBe('cancelled')
})

test('tasks that are enqueued in a transaction are there only if it commits', async () => {
  const { projects, tasks } = server.app
  const found = (await projects.byRef(project.ref))!
  const tx = await server.services.db.connect()
  const ids: string[] = []
  for (const end of ['ROLLBACK', 'COMMIT']) {
    await tx.query('BEGIN')
    ids.push(...(await tasks.enqueue(tx, found, [{ kind: 'function', name: 'in-tx' }])))
    await tx.query(end)
  }
  tx.release()
  await untilState(project, ids[1]!, 'succeeded')
  expect((await project.call('GET', `/tasks/${ids[0]}`)).status).toBe(404)
})

test('tasks that nobody told of are found', async () => {
  const { projects, tasks } = server.app
  const [id] = await tasks.enqueue(server.services.db, (await projects.byRef(project.ref))!, [
    { kind: 'function', name: 'untold' },
  ])
  await untilState(project, id!, 'succeeded')
})

test('deleting a project removes its tasks, and ends those that run', async () => {
  const own = await server.createProject()
  const { handler } = held()
  let reason: unknown
  server.on('orphan', (run) => handler(run).catch(() => (reason = run.signal.reason)))
  await own.call('PUT', '/tasks/schedules/s', { body: { cron: '* * * * *', task: { name: 'x' } } })
  await enqueue(own, 'later', { delay: 1000, queue: 'q' })
  const id = await enqueue(own, 'orphan')
  await untilState(own, id, 'running')
  const { id: projectId } = server.runsOf('orphan')[0]!.project
  expect((await server.call('DELETE', `/v1/projects/${own.ref}`, { as: server.operator })).status).toBe(204)
  await expect.poll(() => reason).toBe('lost')
  for (const table of ['tasks', 'task_queues', 'task_schedules']) {
    const { rows } = await server.services.db.query(`SELECT FROM basalt.${table} WHERE project_id = $1`, [
      projectId,
    ])
    expect(rows).toEqual([])
  }
})

test('metrics count what became of tasks', async () => {
  const { body } = await server.call('GET', '/metrics')
  expect(body).toMatch(/basalt_task_attempts_total\{kind="function",outcome="succeeded"\} [1-9]/)
  expect(body).toMatch(/basalt_task_attempts_total\{kind="function",outcome="retried"\} [1-9]/)
  expect(body).not.toContain(project.ref)
})
