import type { Database } from '../platform/database.ts'
import type { Project } from '../projects/project.ts'
import { taskNotFound } from './errors.ts'
import { type DetailRow, summaryColumns, type SummaryRow } from './present-task.ts'
import { type ShownState, shownStates, type TaskState } from './task.ts'

export interface TaskFilter {
  state?: ShownState
  name?: string
  queue?: string
  schedule?: string
  taskKey?: string
}

/** The newest first. Not every id grows with time, so cursors hold both. */
export async function listTasks(
  db: Database,
  project: Project,
  filter: TaskFilter,
  page: { limit: number; after?: string },
): Promise<{ rows: SummaryRow[]; nextCursor: string | null }> {
  const [milliseconds, id] = page.after?.split('~') ?? []
  const { rows } = await db.query<SummaryRow>({
    name: 'list tasks',
    text: listSql,
    values: [
      project.id,
      storedStates(filter.state),
      milliseconds === undefined ? null : new Date(Number(milliseconds)),
      id ?? null,
      filter.name ?? null,
      filter.queue ?? null,
      filter.schedule ?? null,
      filter.taskKey ?? null,
      page.limit + 1,
    ],
  })
  const shown = rows.slice(0, page.limit)
  const last = rows.length > page.limit ? shown.at(-1) : undefined
  return { rows: shown, nextCursor: last === undefined ? null : `${last.created_at.getTime()}~${last.id}` }
}

function storedStates(state: ShownState | undefined): TaskState[] {
  if (state === undefined) return [...shownStates, 'ready']
  return state === 'waiting' ? ['waiting', 'ready'] : [state]
}

// Each state is read in the order of its index; together they would have to be sorted.
const listSql = `
  SELECT found.*
  FROM unnest($2::text[]) AS wanted (one)
  CROSS JOIN LATERAL (
    SELECT ${summaryColumns}
    FROM basalt.tasks
    WHERE project_id = $1
      AND state = wanted.one
      AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::text))
      AND ($5::text IS NULL OR name = $5)
      AND ($6::text IS NULL OR queue = $6)
      AND ($7::text IS NULL OR schedule = $7)
      AND ($8::text IS NULL OR key = $8)
    ORDER BY created_at DESC, id DESC
    LIMIT $9
  ) AS found
  ORDER BY created_at DESC, id DESC
  LIMIT $9`

/** Throws 404. */
export async function getTask(db: Database, project: Project, id: string): Promise<DetailRow> {
  const { rows } = await db.query<DetailRow>({
    name: 'get task',
    text: `SELECT ${summaryColumns}, payload, result FROM basalt.tasks WHERE project_id = $1 AND id = $2`,
    values: [project.id, id],
  })
  const [row] = rows
  if (row === undefined) throw taskNotFound(id)
  return row
}
