import type { Database } from '../platform/database.ts'
import { ApiError } from '../platform/errors.ts'
import { statementName } from '../platform/prepared-statements.ts'
import { quoteName } from '../platform/sql.ts'

export interface ChangesPage {
  changes: object[]
  /** The number to go on after: that of the last change here, or the one given when there is none. */
  cursor: number
  /** Whether more were there already when this page was read. */
  hasMore: boolean
}

/**
 * Changes after a number, in commit order. Throws 410 `cursor_expired` when the log no longer reaches back so far:
 * what was dropped can't be told, so the reader has to start from the documents themselves.
 *
 * @param schema the project's
 */
export async function readChanges(
  db: Database,
  schema: string,
  after: number,
  limit: number,
): Promise<ChangesPage> {
  const s = quoteName(schema)
  // One statement, so that what is trimmed meanwhile can't go unnoticed.
  const text = `
    SELECT head.trimmed, changes.*
    FROM ${s}._head AS head
    LEFT JOIN LATERAL (
      SELECT seq, kind, at, collection, id, version, created_at, data, before_at, before, actor
      FROM ${s}._changes
      WHERE seq > $1
      ORDER BY seq
      LIMIT $2
    ) AS changes ON TRUE
    ORDER BY changes.seq`
  const { rows } = await db.query<ChangeRow & { trimmed: string }>({
    ...statementName(text),
    text,
    values: [after, limit + 1],
  })
  const trimmed = Number(rows[0]?.trimmed ?? 0)
  if (after < trimmed) throw cursorExpired(trimmed)
  const found = rows.filter((row) => row.seq !== null)
  const page = found.slice(0, limit)
  return {
    changes: page.map(presentChange),
    cursor: Number(page.at(-1)?.seq ?? after),
    hasMore: found.length > limit,
  }
}

interface ChangeRow {
  seq: string | null
  kind: string
  at: string
  collection: string
  id: string
  version: string
  created_at: string
  data: object | null
  before_at: string | null
  before: object | null
  actor: string
}

function presentChange(row: ChangeRow): object {
  const { id, kind, at, collection, actor } = row
  const version = Number(row.version)
  const createdAt = row.created_at
  const document = row.data && { id, createdAt, updatedAt: at, version, ...row.data }
  // A deletion keeps the version that was deleted; every other write adds one.
  const versionBefore = kind === 'delete' ? version : version - 1
  const before = row.before && {
    id,
    createdAt,
    updatedAt: row.before_at,
    version: versionBefore,
    ...row.before,
  }
  return { seq: Number(row.seq), kind, at, collection, id, document, before, actor }
}

function cursorExpired(trimmed: number): ApiError {
  return new ApiError(
    'cursor_expired',
    `The change log begins after ${trimmed}. Start again from the documents.`,
  )
}
