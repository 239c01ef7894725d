import { quoteName } from '../platform/sql.ts'

/** What the documents of a project need beside the change log. */
export function documentTablesSql(schema: string): string {
  const s = quoteName(schema)
  return `
    CREATE TABLE ${s}._idempotency (
      actor text NOT NULL,
      key text NOT NULL,
      fingerprint text NOT NULL,
      status int NOT NULL,
      answer text NOT NULL,
      at text COLLATE "C" NOT NULL,
      PRIMARY KEY (actor, key)
    );
    CREATE INDEX ON ${s}._idempotency (at);
  `
}

/**
 * A collection's table. Times are the ISO 8601 text that the API shows: they sort as times do, SQL and
 * JavaScript compare the very same value, and no read has to format them.
 */
export function collectionTableSql(schema: string, name: string): string {
  return `
    CREATE TABLE ${quoteName(schema)}.${quoteName(name)} (
      id text COLLATE "C" PRIMARY KEY,
      data jsonb NOT NULL,
      version bigint NOT NULL,
      created_at text COLLATE "C" NOT NULL,
      updated_at text COLLATE "C" NOT NULL
    )
  `
}
