import { quoteName } from '../platform/sql.ts'

/**
 * Common table expressions that make a writing statement part of the change log.
 *
 * The statement must select from `head` wherever it writes: that takes the lock of the project's head row before
 * any other lock (two nodes that lock rows first can deadlock), and the row it returns is the newest one even
 * if the statement has waited. In between it defines `written` with the columns of `_changes` but `seq`, and
 * `ord`, the order in which the writes came. What did not happen is not in `written`, so it gets no number
 * and the numbers have no gaps.
 */
export function lockHead(schema: string): string {
  return `
    head AS (
      SELECT seq
      FROM ${quoteName(schema)}._head
      FOR UPDATE
    )`
}

/** @see lockHead */
export function appendWritten(schema: string): string {
  const s = quoteName(schema)
  return `
    numbered AS (
      SELECT written.*, head.seq + row_number() OVER (ORDER BY written.ord) AS seq
      FROM written, head
    ),
    appended AS (
      INSERT INTO ${s}._changes (seq, kind, collection, id, version, at, created_at, data, before_at, before, actor)
      SELECT seq, kind, collection, id, version, at, created_at, data, before_at, before, actor
      FROM numbered
    ),
    advanced AS (
      UPDATE ${s}._head
      SET seq = _head.seq + (SELECT count(*) FROM written)
      WHERE EXISTS (SELECT FROM written)
    )`
}
