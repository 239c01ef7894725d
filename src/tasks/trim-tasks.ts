import type { Database } from '../platform/database.ts'

export interface TaskRetention {
  days: number
  deadDays: number
  maxRows: number
}

const batchRows = 5_000

/** Drops what of a project's history is older, or more, than is kept. Returns how many tasks. */
export async function trimTasks(
  db: Database,
  projectId: string,
  { days, deadDays, maxRows }: TaskRetention,
  now = new Date(),
): Promise<number> {
  const before = (daysAgo: number): Date => new Date(now.getTime() - daysAgo * 86_400_000)
  let dropped = 0
  dropped += await dropWhere(db, `finished_at < $2 AND state <> 'dead'`, [projectId, before(days)])
  dropped += await dropWhere(db, 'finished_at < $2', [projectId, before(deadDays)])
  const { rows } = await db.query<{ finished_at: Date }>(
    `SELECT finished_at
     FROM basalt.tasks
     WHERE project_id = $1 AND finished_at IS NOT NULL
     ORDER BY finished_at DESC
     OFFSET $2
     LIMIT 1`,
    [projectId, maxRows],
  )
  const [first] = rows
  if (first === undefined) return dropped
  return dropped + (await dropWhere(db, 'finished_at <= $2', [projectId, first.finished_at]))
}

/** Drops the tasks of projects that were deleted while they had more than the deletion took with it. */
export async function trimOrphanedTasks(db: Database): Promise<number> {
  const { rows } = await db.query<{ project_id: string }>(orphansSql)
  let dropped = 0
  for (const { project_id } of rows) dropped += await dropWhere(db, 'TRUE', [project_id])
  return dropped
}

async function dropWhere(db: Database, condition: string, values: unknown[]): Promise<number> {
  let dropped = 0
  for (;;) {
    const { rowCount } = await db.query(
      `DELETE FROM basalt.tasks
       WHERE ctid = ANY (ARRAY (
         SELECT ctid
         FROM basalt.tasks
         WHERE project_id = $1 AND ${condition}
         LIMIT ${batchRows}
       ))`,
      values,
    )
    dropped += rowCount ?? 0
    if ((rowCount ?? 0) < batchRows) return dropped
  }
}

// One probe of the index for each project that has tasks.
const orphansSql = `
  WITH RECURSIVE projects AS (
    (SELECT project_id FROM basalt.tasks ORDER BY project_id LIMIT 1)
    UNION ALL
    SELECT (SELECT project_id FROM basalt.tasks WHERE tasks.project_id > projects.project_id ORDER BY project_id LIMIT 1)
    FROM projects
    WHERE projects.project_id IS NOT NULL
  )
  SELECT project_id
  FROM projects
  WHERE project_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM basalt.projects AS living WHERE living.id = projects.project_id)`
