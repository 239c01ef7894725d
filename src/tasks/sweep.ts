import type { Database } from '../platform/database.ts'
import type { Services } from '../platform/services.ts'
import type { Admitter } from './admit-tasks.ts'
import { recoverTasks, releaseJobs } from './recover-tasks.ts'
import { repeat } from './repeat.ts'
import type { TaskMetrics } from './task-metrics.ts'

const everyMs = 1_000
const recoverEveryMs = 5_000
const releaseEveryMs = 60_000

/**
 * The net under everything that tells of tasks: makes those due whose time has come, and finds projects with tasks that
 * wait though nobody said so (the node that enqueued them died after its COMMIT). Comes once a second, or when the next
 * task is due. Also puts back what dead nodes left.
 */
export function startSweeping(
  { backgroundDb: db, nodes, log }: Services,
  admitter: Admitter,
  metrics: TaskMetrics,
): () => Promise<void> {
  let recoveredAt = 0
  let releasedAt = Date.now()

  async function recover(): Promise<void> {
    recoveredAt = Date.now()
    const projects = await recoverTasks(db)
    if (projects.length === 0) return
    metrics.recovered.inc(projects.length)
    log.warn({ tasks: projects.length }, 'tasks of nodes that died wait again')
    for (const project of projects) admitter.wake(project)
  }

  async function release(): Promise<void> {
    releasedAt = Date.now()
    await releaseJobs(db)
  }

  nodes.onGone(async () => {
    await recover()
    await release()
  })
  return repeat(everyMs, async () => {
    try {
      if (Date.now() - recoveredAt >= recoverEveryMs) await recover()
      if (Date.now() - releasedAt >= releaseEveryMs) await release()
      const { rows } = await db.query<{ project_id: string }>({ name: 'sweep tasks', text: waitingSql })
      for (const { project_id } of rows) admitter.wake(project_id)
      await analyzeIfGrown(db)
      return await makeDue()
    } catch (error) {
      log.warn({ err: error }, 'could not look for tasks that are due')
      return everyMs
    }
  })

  /** Answers in how many milliseconds the next is due. */
  async function makeDue(): Promise<number> {
    for (;;) {
      const { rows } = await db.query<{ ms: number | null }>({ name: 'next task', text: nextSql })
      const ms = rows[0]?.ms ?? everyMs
      if (ms > 0) return Math.ceil(ms)
      const due = await db.query<{ project_id: string }>({ name: 'make tasks due', text: dueSql })
      for (const { project_id } of due.rows) admitter.wake(project_id)
      // Another node is at them.
      if (due.rows.length === 0) return everyMs / 10
    }
  }
}

/**
 * Plans made for a table of a few rows read all of a project's tasks to find a dozen; autovacuum, which would see to
 * that, may be half a minute away. It happens as often as the table doubles.
 */
async function analyzeIfGrown(db: Database): Promise<void> {
  const { rows } = await db.query<{ has_grown: boolean }>({
    name: 'have tasks grown',
    text: `
      SELECT n_live_tup > 1000 + 2 * greatest(reltuples, 0) AS has_grown
      FROM pg_stat_user_tables
      JOIN pg_class ON pg_class.oid = relid
      WHERE relid = 'basalt.tasks'::regclass`,
  })
  if (rows[0]?.has_grown === true) await db.query('ANALYZE basalt.tasks')
}

/** The projects that have a task in this state, by one probe of the index for each, however many tasks they have. */
function projectsWith(state: 'waiting' | 'scheduled'): string {
  const next = `
        SELECT project_id
        FROM basalt.tasks
        WHERE state = '${state}'`
  return `
    RECURSIVE projects AS (
      (${next}
        ORDER BY project_id
        LIMIT 1)
      UNION ALL
      SELECT (${next}
          AND tasks.project_id > projects.project_id
        ORDER BY project_id
        LIMIT 1)
      FROM projects
      WHERE projects.project_id IS NOT NULL
    )`
}

const waitingSql = `
  WITH ${projectsWith('waiting')}
  SELECT project_id
  FROM projects
  WHERE project_id IS NOT NULL`

const nextSql = `
  SELECT extract(epoch FROM min(run_at) - clock_timestamp())::float8 * 1000 AS ms
  FROM basalt.tasks
  WHERE state = 'scheduled'`

// So many of each project at a time: nobody's first waits for somebody's millionth.
const dueSql = `
  WITH ${projectsWith('scheduled')}, due AS (
    SELECT next.project_id, next.id
    FROM projects
    CROSS JOIN LATERAL (
      SELECT project_id, id
      FROM basalt.tasks
      WHERE tasks.project_id = projects.project_id
        AND state = 'scheduled'
        AND run_at <= now()
      ORDER BY run_at
      LIMIT 100
      FOR UPDATE SKIP LOCKED
    ) AS next
    LIMIT 5000
  ), made_due AS (
    UPDATE basalt.tasks
    SET state = 'waiting'
    FROM due
    WHERE tasks.project_id = due.project_id AND tasks.id = due.id AND state = 'scheduled'
    RETURNING tasks.project_id
  )
  SELECT DISTINCT project_id
  FROM made_due`
