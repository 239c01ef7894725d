import { inTransaction } from '../../platform/database.ts'
import { ApiError } from '../../platform/errors.ts'
import { repeat } from '../repeat.ts'
import type { NewTask } from '../task.ts'
import type { TaskMetrics } from '../task-metrics.ts'
import type { Tasks } from '../tasks.ts'
import { nextRun, runsBetween } from './cron.ts'
import type { CatchUp, ScheduledTask } from './schedule.ts'

const everyMs = 1_000
const maxSchedules = 100
/** A run that is later than this was missed. */
const lateMs = 60_000
/** Of those that were missed, so many are caught up on: the newest. */
const maxCaughtUp = 100

interface DueRow {
  project_id: string
  name: string
  kind: string
  cron: string
  time_zone: string
  task: ScheduledTask
  catch_up: CatchUp
  next_run_at: Date
  now: Date
}

/**
 * Enqueues what schedules ask for. Every node does: whichever moves `next_run_at` on, in one conditional UPDATE, has
 * enqueued the run in the same transaction, so that no run happens twice, or gets lost with a node that dies.
 */
export function startDispatchingSchedules(tasks: Tasks, metrics: TaskMetrics): () => Promise<void> {
  const { backgroundDb, log } = tasks.services
  return repeat(everyMs, async () => {
    try {
      const { rows } = await backgroundDb.query<DueRow>({
        name: 'due schedules',
        text: dueSql,
        values: [maxSchedules],
      })
      for (const row of rows) {
        const enqueued = await dispatch(tasks, row).catch((error: unknown) => {
          log.error({ err: error, schedule: row.name, projectId: row.project_id }, 'could not run a schedule')
          return 0
        })
        metrics.scheduleRuns.inc(enqueued)
      }
      const next = await backgroundDb.query<{ ms: number | null }>({ name: 'next schedule', text: nextSql })
      // One that fails is tried again with the next turn, not at once.
      return Math.max(20, next.rows[0]?.ms ?? everyMs)
    } catch (error) {
      log.warn({ err: error }, 'could not look for schedules that are due')
      return everyMs
    }
  })
}

const dueSql = `
  SELECT project_id, name, kind, cron, time_zone, task, catch_up, next_run_at, now()
  FROM basalt.task_schedules
  WHERE next_run_at <= now()
    AND NOT is_paused
  ORDER BY next_run_at
  LIMIT $1`

const nextSql = `
  SELECT extract(epoch FROM min(next_run_at) - clock_timestamp())::float8 * 1000 AS ms
  FROM basalt.task_schedules
  WHERE NOT is_paused`

/** Answers how many tasks it has enqueued: none, if another node was faster. */
async function dispatch(tasks: Tasks, row: DueRow): Promise<number> {
  const { db, log } = tasks.services
  const clock = { cron: row.cron, timeZone: row.time_zone }
  const project = { id: row.project_id }
  const next = nextRun(clock, row.now)
  // Those of other kinds don't name what enqueued tasks are named.
  const queue =
    row.task.queue ?? (row.kind === 'function' ? await tasks.queueFor(project, row.task.name) : undefined)
  const runs = (await hasRoom(tasks, row)) ? dueRuns(row) : []
  const isOurs = await inTransaction(db, async (tx) => {
    const { rowCount } = await tx.query(
      `UPDATE basalt.task_schedules
       SET next_run_at = $6,
           last_run_at = coalesce($7, last_run_at)
       WHERE project_id = $1
         AND name = $2
         AND next_run_at = $3
         AND cron = $4
         AND time_zone = $5
         AND NOT is_paused`,
      [row.project_id, row.name, row.next_run_at, row.cron, row.time_zone, next ?? 'infinity', runs.at(-1)],
    )
    if (rowCount !== 1) return false
    await tasks.enqueue(
      tx,
      project,
      runs.map((at) => ({ ...toTask(row, at), ...(queue !== undefined && { queue }) })),
    )
    return true
  })
  if (!isOurs) return 0
  if (runs.length > 1) log.info({ schedule: row.name, runs: runs.length }, 'a schedule has caught up')
  tasks.wake(project)
  return runs.length
}

/** A project whose line is full misses the run, and the log says so. */
async function hasRoom(tasks: Tasks, row: DueRow): Promise<boolean> {
  try {
    await tasks.checkQuota(row.project_id, 1)
    return true
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    tasks.services.log.warn(
      { schedule: row.name, projectId: row.project_id },
      'a schedule found the line full',
    )
    return false
  }
}

function dueRuns({ cron, time_zone, catch_up, next_run_at, now }: DueRow): Date[] {
  const clock = { cron, timeZone: time_zone }
  switch (catch_up) {
    case 'skip':
      return runsBetween(clock, new Date(Math.max(next_run_at.getTime(), now.getTime() - lateMs)), now, 1)
    case 'once':
      return runsBetween(clock, next_run_at, now, 1)
    case 'all':
      return runsBetween(clock, next_run_at, now, maxCaughtUp)
  }
}

function toTask({ name, kind, task }: DueRow, at: Date): NewTask {
  const { timeout, ...said } = task
  return {
    ...said,
    kind,
    schedule: { name, at },
    ...(timeout !== undefined && { timeoutMs: timeout * 1000 }),
  }
}
