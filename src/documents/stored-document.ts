import type { Queryable } from '../platform/database.ts'
import { statementName } from '../platform/prepared-statements.ts'
import type { JsonObject } from '../query/json.ts'
import type { StoredDocument } from './committer/planned-write.ts'

/** The columns of a document in the order in which `readRow` takes them; the first of every SELECT. */
export const documentColumns = 't.id, t.data::text, t.version, t.created_at, t.updated_at'

/** With `rowMode: 'array'`: at twenty documents an answer the names of columns would be most of what is allocated. */
export type DocumentRow = [
  id: string,
  data: string,
  version: string,
  createdAt: string,
  updatedAt: string,
  ...unknown[],
]

export function readRow([id, data, version, createdAt, updatedAt]: DocumentRow): StoredDocument {
  return { id, data, version: Number(version), createdAt, updatedAt }
}

/** Runs a SELECT that starts with `documentColumns`. */
export async function selectRows(db: Queryable, text: string, values: unknown[]): Promise<DocumentRow[]> {
  const { rows } = await db.query<DocumentRow>({ ...statementName(text), text, values, rowMode: 'array' })
  return rows
}

/** The document as the API shows it, without parsing what is stored. Ids and times need no escaping. */
export function documentText({ id, data, version, createdAt, updatedAt }: StoredDocument): string {
  const system = `{"id":"${id}","createdAt":"${createdAt}","updatedAt":"${updatedAt}","version":${version}`
  return data === '{}' ? `${system}}` : `${system},${data.slice(1)}`
}

/** The document as rules and filters see it: what the API shows, parsed. */
export function documentObject(stored: StoredDocument): JsonObject {
  return JSON.parse(documentText(stored))
}
