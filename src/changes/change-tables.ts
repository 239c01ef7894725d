import { quoteName } from '../platform/sql.ts'

/**
 * The tables of the change log inside a project's schema. Their names start with `_`, which no collection's
 * may, so they can't be reached as collections.
 *
 * `_head` holds one row: the number of the last change. Every writing statement locks it first, so all writes
 * of a project stand in one line, whichever node they come from.
 */
export function changeTablesSql(schema: string): string {
  const s = quoteName(schema)
  return `
    CREATE TABLE ${s}._head (
      seq bigint NOT NULL,
      trimmed bigint NOT NULL
    );
    INSERT INTO ${s}._head (seq, trimmed) VALUES (0, 0);
    CREATE TABLE ${s}._changes (
      seq bigint PRIMARY KEY,
      kind text NOT NULL,
      collection text NOT NULL,
      id text NOT NULL,
      version bigint NOT NULL,
      at text COLLATE "C" NOT NULL,
      created_at text COLLATE "C" NOT NULL,
      data jsonb,
      before_at text COLLATE "C",
      before jsonb,
      actor text NOT NULL
    );
    CREATE INDEX ON ${s}._changes (at);
  `
}

/** Waits for the writers and keeps them out until the transaction ends: what follows can't deadlock with one. */
export function lockChangesSql(schema: string): string {
  return `LOCK TABLE ${quoteName(schema)}._head IN ACCESS EXCLUSIVE MODE`
}
