import { batchByKey } from '../platform/batch-by-key.ts'
import type { Database } from '../platform/database.ts'
import { type LoggedRow, readLogAt } from './read-changes.ts'

/** Reads the change with a number; undefined if it was trimmed. */
export type ReadChange = (schema: string, seq: number) => Promise<LoggedRow | undefined>

interface Wanted {
  seq: number
  resolve: (row: LoggedRow | undefined) => void
  reject: (reason: unknown) => void
}

const maxBatch = 100

/** For who reads single changes, many at once: those of a project that are asked for together share a statement. */
export function shareChangeReads(db: Database): ReadChange {
  const add = batchByKey<Wanted>(maxBatch, async (schema, batch) => {
    try {
      const rows = await readLogAt(
        db,
        schema,
        batch.map(({ seq }) => seq),
      )
      const found = new Map(rows.map((row) => [row.seq, row]))
      for (const { seq, resolve } of batch) resolve(found.get(seq))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  })
  return (schema, seq) => new Promise((resolve, reject) => add(schema, { seq, resolve, reject }))
}
