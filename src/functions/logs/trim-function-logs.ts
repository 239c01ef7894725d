import type { Database } from '../../platform/database.ts'

const keepDays = 7
const usageDays = 400
const maxLinesOfProject = 200_000

/** Drops lines that are older than a week, or beyond what a project may keep, and old counts. */
export async function trimFunctionLogs(db: Database): Promise<void> {
  await db.query(`DELETE FROM basalt.function_logs WHERE at < now() - make_interval(days => $1)`, [keepDays])
  await db.query(`DELETE FROM basalt.function_usage WHERE hour < now() - make_interval(days => $1)`, [
    usageDays,
  ])
  await db.query(
    `DELETE FROM basalt.function_logs AS line
     USING (
       SELECT projects.id, (
         SELECT newer.id
         FROM basalt.function_logs AS newer
         WHERE newer.project_id = projects.id
         ORDER BY newer.id DESC
         OFFSET $1
         LIMIT 1
       ) AS last
       FROM basalt.projects
     ) AS bound
     WHERE line.project_id = bound.id
       AND line.id <= bound.last`,
    [maxLinesOfProject],
  )
}
