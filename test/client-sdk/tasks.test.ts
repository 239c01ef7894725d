import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Basalt, createClient, type UntypedSchema } from '../../client-sdk/src/client.ts'
import { serveTasks, type TaskServer } from '../tasks/serve-tasks.ts'

let server: TaskServer
let basalt: Basalt<UntypedSchema>

beforeAll(async () => {
  server = await serveTasks()
  const { ref, secret } = await server.createProject()
  basalt = createClient({ url: server.url, project: ref, key: secret })
})

afterAll(() => server.stop())

test('a task is enqueued, runs, and brings its result', async () => {
  server.on('sum', ({ task }) => (task.payload as number[]).reduce((a, b) => a + b, 0))
  const { id } = await basalt.tasks.enqueue('sum', [1, 2, 3], { priority: 1, queue: 'maths', maxAttempts: 2 })
  await expect.poll(async () => (await basalt.tasks.get(id)).state).toBe('succeeded')
  const { payload, result, queue } = await basalt.tasks.get<number[], number>(id)
  expect({ payload, result, queue }).toEqual({ payload: [1, 2, 3], result: 6, queue: 'maths' })
})

test('tasks are put off, found by what they are, cancelled and begun anew', async () => {
  const ids: string[] = []
  for (let n = 0; n < 5; n++) {
    const runAt = new Date(Date.now() + 3_600_000)
    ids.push((await basalt.tasks.enqueue('later', { n }, { runAt, key: `k${n}` })).id)
  }
  expect((await basalt.tasks.enqueue('later', {}, { delay: 5, key: 'k0' })).id).toBe(ids[0])
  const listed: string[] = []
  for await (const { id } of basalt.tasks.list({ name: 'later', state: 'scheduled', limit: 2 }))
    listed.push(id)
  expect(listed).toEqual(ids.toReversed())
  const withKey = await Array.fromAsync(basalt.tasks.list({ key: 'k3' }))
  expect(withKey).toMatchObject([{ id: ids[3], key: 'k3' }])
  expect((await basalt.tasks.cancel(ids[0]!)).state).toBe('cancelled')
  await expect(basalt.tasks.cancel(ids[0]!)).rejects.toMatchObject({ code: 'conflict' })
  await basalt.tasks.retry(ids[0]!)
  await expect.poll(async () => (await basalt.tasks.get(ids[0]!)).state).toBe('succeeded')
})

test('schedules and queues are set up', async () => {
  const { schedules, queues } = basalt.tasks
  const task = { name: 'report', payload: { a: 1 }, queue: 'mails' }
  const made = await schedules.put('daily', { cron: '0 6 * * *', timeZone: 'Europe/Berlin', task })
  expect(made).toMatchObject({ name: 'daily', task, catchUp: 'skip', paused: false })
  expect(await schedules.get('daily')).toEqual(made)
  expect(await Array.fromAsync(schedules.list())).toEqual([made])
  await schedules.delete('daily')
  await expect(schedules.get('daily')).rejects.toMatchObject({ code: 'not_found' })

  expect(await queues.put('mails', { concurrency: 2 })).toEqual({
    name: 'mails',
    concurrency: 2,
    paused: false,
  })
  expect((await queues.list()).map(({ name }) => name)).toContain('mails')
  await queues.delete('mails')
})

test('an app can do none of it', async () => {
  const { ref, publishable } = await server.createProject()
  const app = createClient({ url: server.url, project: ref, key: publishable })
  await expect(app.tasks.enqueue('sum')).rejects.toMatchObject({ code: 'forbidden' })
  await expect(app.tasks.list().next()).rejects.toMatchObject({ code: 'forbidden' })
})
