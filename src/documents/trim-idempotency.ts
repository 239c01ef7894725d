import type { Database } from '../platform/database.ts'
import { quoteName } from '../platform/sql.ts'

// As long as Stripe keeps them: a client that was offline for a night may still repeat itself.
const keptHours = 24
const batchRows = 5_000

/** Forgets the idempotency keys of yesterday, in batches. Returns how many. */
export async function trimIdempotency(db: Database, schema: string, now = new Date()): Promise<number> {
  const oldest = new Date(now.getTime() - keptHours * 3_600_000).toISOString()
  const table = `${quoteName(schema)}._idempotency`
  let dropped = 0
  for (;;) {
    const { rowCount } = await db.query(
      `DELETE FROM ${table}
       WHERE ctid = ANY (ARRAY (
         SELECT ctid
         FROM ${table}
         WHERE at < $1
         ORDER BY at
         LIMIT $2
       ))`,
      [oldest, batchRows],
    )
    dropped += rowCount ?? 0
    if ((rowCount ?? 0) < batchRows) return dropped
  }
}
