import type { Database } from '../platform/database.ts'
import { quoteName } from '../platform/sql.ts'

export interface Retention {
  days: number
  megabytes: number
  rows: number
}

// A batch holds its locks for some milliseconds; writers never wait longer for the trimming.
const batchRows = 5_000
const sampleRows = 1_000

/**
 * Drops the changes that are older than the days, or beyond the size or number, oldest first, in batches.
 * Returns how many were dropped. Interrupted at any moment it leaves a log whose beginning is known.
 */
export async function trimChanges(
  db: Database,
  schema: string,
  retention: Retention,
  now = new Date(),
): Promise<number> {
  const s = quoteName(schema)
  const oldest = new Date(now.getTime() - retention.days * 86_400_000).toISOString()
  const limit = await findLimit(db, s, oldest, retention)
  let dropped = 0
  for (;;) {
    const { rows } = await db.query<{ count: string }>(
      `WITH head AS (
         SELECT trimmed
         FROM ${s}._head
         FOR UPDATE
       ), dropped AS (
         DELETE FROM ${s}._changes
         USING head
         WHERE seq <= LEAST($1, head.trimmed + $2)
         RETURNING seq
       ), advanced AS (
         UPDATE ${s}._head
         SET trimmed = GREATEST(_head.trimmed, (SELECT max(seq) FROM dropped))
         WHERE EXISTS (SELECT FROM dropped)
       )
       SELECT count(*) FROM dropped`,
      [limit, batchRows],
    )
    const count = Number(rows[0]?.count ?? 0)
    dropped += count
    if (count < batchRows) return dropped
  }
}

/** The number up to which nothing has to be kept. Sizes are estimated from the newest changes. */
async function findLimit(
  db: Database,
  s: string,
  oldest: string,
  { megabytes, rows }: Retention,
): Promise<number> {
  const found = await db.query<{ seq: string; aged: string | null; bytes: string | null }>(
    `SELECT head.seq,
       (SELECT max(seq) FROM ${s}._changes WHERE at < $1) AS aged,
       (
         SELECT avg(pg_column_size(newest.*))
         FROM (SELECT * FROM ${s}._changes ORDER BY seq DESC LIMIT $2) AS newest
       ) AS bytes
     FROM ${s}._head AS head`,
    [oldest, sampleRows],
  )
  const { seq, aged, bytes } = found.rows[0] ?? { seq: 0, aged: null, bytes: null }
  const kept = Math.min(rows, Math.floor((megabytes * 1_048_576) / Math.max(1, Number(bytes ?? 1))))
  return Math.max(Number(aged ?? 0), Number(seq) - kept)
}
