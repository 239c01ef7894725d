import { setTimeout as sleep } from 'node:timers/promises'
import { createInterface } from 'node:readline'
import { readConfig } from '../../src/config.ts'
import { newId } from '../../src/platform/ids.ts'
import { createLogger } from '../../src/platform/logging.ts'
import { createProject } from '../../src/projects/create-project.ts'
import { startServer } from '../../src/start-server.ts'
import { roundOfTimes } from './round-of-times.ts'
import type { QueueJob, QueueRound } from './measure-queue.ts'

/**
 * The server with tasks that do nothing, and the load beside them in the same process: what is measured is the queue,
 * not what is run by it. Takes a job as a line of JSON, and answers with a round as another.
 */
const config = readConfig()
const server = await startServer(config, createLogger(config.logLevel))
const { db } = server.services
const { tasks, projects } = server.app

let started: ((at: number) => void) | undefined
tasks.handle('nothing', () => started?.(performance.now()))

const owner = await server.services.control.operator.findFirstOrThrow({ include: { memberships: true } })
const places: { id: string }[] = []
for (let n = 0; n < 8; n += 1) {
  const actor = { kind: 'operator', operatorId: owner.id, role: 'owner' } as const
  const request = { ip: '127.0.0.1', id: newId() }
  const { row } = await createProject(server.services, projects, actor, { name: `Bench ${n}` }, request)
  places.push({ id: row.id })
}

console.log('The queue is ready')
for await (const line of createInterface({ input: process.stdin })) {
  const job: QueueJob = JSON.parse(line)
  console.log(JSON.stringify(job.measure === 'add to run' ? await addOneByOne(job) : await drain(job)))
}
await server.stop()
process.exit(0)

/** Lets tasks gather in queues that are paused, and takes the time from when they no longer are until the last has run. */
async function drain({ tasks: count, projects: width }: QueueJob): Promise<QueueRound> {
  const used = places.slice(0, width)
  await pause(used, true)
  const perBatch = 200
  const batches = Math.ceil(count / perBatch)
  for (let n = 0; n < batches; n += 1) {
    const project = used[n % used.length]
    if (project === undefined) throw new Error('no project')
    await tasks.enqueue(
      db,
      project,
      Array.from({ length: perBatch }, () => ({ kind: 'nothing', name: 'nothing' })),
    )
  }
  await db.query('VACUUM ANALYZE basalt.tasks')
  let left = batches * perBatch
  const done = new Promise<number>((resolve) => {
    started = (at) => {
      left -= 1
      if (left === 0) resolve(at)
    }
  })
  const before = performance.now()
  await pause(used, false)
  for (const project of used) tasks.wake(project)
  const seconds = ((await done) - before) / 1000
  await untilIdle()
  return { rate: (batches * perBatch) / seconds, p50: Number.NaN, p99: Number.NaN }
}

async function pause(projectsOfTasks: { id: string }[], isPaused: boolean): Promise<void> {
  await db.query(
    `INSERT INTO basalt.task_queues (project_id, name, is_paused)
     SELECT id, 'default', $2
     FROM unnest($1::text[]) AS id
     ON CONFLICT (project_id, name) DO UPDATE SET is_paused = $2`,
    [projectsOfTasks.map(({ id }) => id), isPaused],
  )
}

/** One task at a time: from before its INSERT until its handler is called. */
async function addOneByOne({ tasks: count }: QueueJob): Promise<QueueRound> {
  const [project] = places
  if (project === undefined) throw new Error('no project')
  const waits: number[] = []
  for (let n = 0; n < count; n += 1) {
    const before = performance.now()
    const ran = new Promise<number>((resolve) => {
      started = resolve
    })
    await tasks.enqueue(db, project, [{ kind: 'nothing', name: 'nothing' }])
    tasks.wake(project)
    waits.push((await ran) - before)
    await sleep(5)
  }
  return roundOfTimes(waits)
}

async function untilIdle(): Promise<void> {
  for (;;) {
    const { rows } = await db.query<{ left: boolean }>(
      `SELECT EXISTS (SELECT FROM basalt.tasks WHERE state IN ('waiting', 'ready', 'running')) AS left`,
    )
    if (rows[0]?.left === false) return
    await sleep(20)
  }
}
