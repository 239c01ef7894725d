import type { Database } from '../platform/database.ts'
import { workerSchema } from './graphile.ts'

/**
 * Puts back the tasks that ran on nodes that died: they wait again, or are dead if that was their last attempt. Answers
 * the projects of those.
 */
export async function recoverTasks(db: Database): Promise<string[]> {
  const { rows } = await db.query<{ project_id: string }>(recoverSql, [
    JSON.stringify({ code: 'server_died', message: 'The server that ran it has ended without a word.' }),
  ])
  return rows.map((row) => row.project_id)
}

// The list of nodes is empty after a crash of PostgreSQL, until each has said again that it is alive.
const recoverSql = `
  UPDATE basalt.tasks
  SET state = CASE
        WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN attempt >= max_attempts THEN 'dead'
        ELSE 'waiting'
      END,
      finished_at = CASE WHEN cancel_requested_at IS NOT NULL OR attempt >= max_attempts THEN now() END,
      error = ($1::jsonb || jsonb_build_object('at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))::json,
      node_id = NULL
  WHERE state = 'running'
    AND NOT EXISTS (SELECT FROM basalt.nodes WHERE nodes.id = tasks.node_id)
    AND pg_postmaster_start_time() < now() - interval '10 seconds'
  RETURNING project_id`

/**
 * Makes the jobs free that nodes had taken some seconds ago; graphile-worker itself would wait for four hours. Which of
 * them the dead ones had is not asked: a job that is handed out twice does no harm, since its task can be claimed once.
 */
export async function releaseJobs(db: Database): Promise<void> {
  await db.query(`
    SELECT ${workerSchema}.force_unlock_workers(ARRAY(
      SELECT DISTINCT locked_by
      FROM ${workerSchema}.jobs
      WHERE locked_at < now() - interval '5 seconds'
    ))`)
}
