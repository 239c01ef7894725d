import type { Queryable } from '../platform/database.ts'
import { ApiError } from '../platform/errors.ts'
import { presentChange } from './present-change.ts'
import { statementName } from '../platform/prepared-statements.ts'
import { quoteName } from '../platform/sql.ts'

export interface ChangesPage {
  changes: object[]
  /** The number to go on after: that of the last change here, or the one given when there is none. */
  cursor: number
  /** Whether more were there already when this page was read. */
  hasMore: boolean
}

/** A committed write as it is stored. Documents are JSON text, for as long as nobody looks into them. */
export interface LoggedRow {
  seq: number
  kind: 'create' | 'update' | 'delete'
  collection: string
  id: string
  /** After the write; of a deletion the version that was deleted. */
  version: number
  at: string
  createdAt: string
  /** Without system fields, null after a deletion. */
  data: string | null
  beforeAt: string | null
  before: string | null
  actor: string
}

/** A part of the log, and where it begins and ends. */
export interface LogPage {
  rows: LoggedRow[]
  /** The number of the last change of all. */
  head: number
  /** What is up to here was dropped. */
  trimmed: number
}

/**
 * Changes after a number, in commit order. Throws 410 `cursor_expired` when the log no longer reaches back so far:
 * what was dropped can't be told, so the reader has to start from the documents themselves.
 *
 * @param schema the project's
 */
export async function readChanges(
  db: Queryable,
  schema: string,
  after: number,
  limit: number,
): Promise<ChangesPage> {
  const { rows, trimmed } = await readLog(db, schema, after, limit + 1)
  if (after < trimmed) throw cursorExpired(trimmed)
  const page = rows.slice(0, limit)
  return {
    changes: page.map(presentChange),
    cursor: page.at(-1)?.seq ?? after,
    hasMore: rows.length > limit,
  }
}

/** The changes after a number as they are stored. If the log was trimmed beyond it, some of them are missing. */
export async function readLog(db: Queryable, schema: string, after: number, limit: number): Promise<LogPage> {
  const s = quoteName(schema)
  // One statement, so that what is trimmed meanwhile can't go unnoticed.
  const text = `
    SELECT head.seq, head.trimmed, changes.*
    FROM ${s}._head AS head
    LEFT JOIN LATERAL (
      SELECT ${columns}
      FROM ${s}._changes
      WHERE seq > $1
      ORDER BY seq
      LIMIT $2
    ) AS changes ON TRUE
    ORDER BY changes.seq`
  const { rows } = await db.query<StoredRow>({
    ...statementName(text),
    text,
    values: [after, limit],
    rowMode: 'array',
  })
  const [first] = rows
  return {
    rows: rows.flatMap(toLoggedRow),
    head: Number(first?.[0] ?? 0),
    trimmed: Number(first?.[1] ?? 0),
  }
}

/** The changes with these numbers, in no order. Those that were trimmed are missing. */
export async function readLogAt(
  db: Queryable,
  schema: string,
  seqs: readonly number[],
): Promise<LoggedRow[]> {
  const text = `
    SELECT NULL, NULL, ${columns}
    FROM ${quoteName(schema)}._changes
    WHERE seq = ANY ($1)`
  const { rows } = await db.query<StoredRow>({
    ...statementName(text),
    text,
    values: [seqs],
    rowMode: 'array',
  })
  return rows.flatMap(toLoggedRow)
}

const columns =
  'seq, kind, collection, id, version, at, created_at, data::text, before_at, before::text, actor'

type StoredRow = [
  head: string | null,
  trimmed: string | null,
  seq: string | null,
  kind: LoggedRow['kind'],
  collection: string,
  id: string,
  version: string,
  at: string,
  createdAt: string,
  data: string | null,
  beforeAt: string | null,
  before: string | null,
  actor: string,
]

function toLoggedRow(row: StoredRow): LoggedRow[] {
  const [, , seq, kind, collection, id, version, at, createdAt, data, beforeAt, before, actor] = row
  if (seq === null) return []
  return [
    {
      seq: Number(seq),
      kind,
      collection,
      id,
      version: Number(version),
      at,
      createdAt,
      data,
      beforeAt,
      before,
      actor,
    },
  ]
}

function cursorExpired(trimmed: number): ApiError {
  return new ApiError(
    'cursor_expired',
    `The change log begins after ${trimmed}. Start again from the documents.`,
  )
}
