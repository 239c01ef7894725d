import type { Database } from '../platform/database.ts'
import type { Project } from '../projects/project.ts'
import { taskNotFound } from './errors.ts'
import { type DetailRow, summaryColumns, type SummaryRow } from './present-task.ts'
import type { ShownState, TaskState } from './task.ts'

export interface TaskFilter {
  state?: ShownState
  name?: string
  queue?: string
  schedule?: string
  key?: string
}

/** The newest first. Ids grow with time, so they are the cursor. */
export async function listTasks(
  db: Database,
  project: Project,
  filter: TaskFilter,
  page: { limit: number; after?: string },
): Promise<{ rows: SummaryRow[]; nextCursor: string | null }> {
  const states: TaskState[] | null =
    filter.state === undefined ? null : filter.state === 'waiting' ? ['waiting', 'ready'] : [filter.state]
  const { rows } = await db.query<SummaryRow>({
    text: states === null ? listSql('') : listOfStatesSql,
    values: [
      project.id,
      page.after ?? null,
      filter.name ?? null,
      filter.queue ?? null,
      filter.schedule ?? null,
      filter.key ?? null,
      page.limit + 1,
      ...(states === null ? [] : [states]),
    ],
  })
  const shown = rows.slice(0, page.limit)
  return { rows: shown, nextCursor: rows.length > page.limit ? (shown.at(-1)?.id ?? null) : null }
}

function listSql(condition: string): string {
  return `
    SELECT ${summaryColumns}
    FROM basalt.tasks
    WHERE project_id = $1
      AND ($2::text IS NULL OR id < $2)
      AND ($3::text IS NULL OR name = $3)
      AND ($4::text IS NULL OR queue = $4)
      AND ($5::text IS NULL OR schedule = $5)
      AND ($6::text IS NULL OR key = $6)
      ${condition}
    ORDER BY id DESC
    LIMIT $7`
}

// Each state is read in the order of its index; together they would have to be sorted.
const listOfStatesSql = `
  SELECT found.*
  FROM unnest($8::text[]) AS wanted (one)
  CROSS JOIN LATERAL (${listSql('AND state = wanted.one')}) AS found
  ORDER BY id DESC
  LIMIT $7`

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
