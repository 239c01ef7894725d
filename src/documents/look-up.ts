import type { Queryable } from '../platform/database.ts'
import { statementName } from '../platform/prepared-statements.ts'
import type { Project } from '../projects/project.ts'
import type { LookupCall } from '../query/compile-predicate.ts'
import type { Json } from '../query/json.ts'
import { SqlParameters } from '../query/sql-context.ts'
import { toSql } from '../query/to-sql.ts'
import { sqlContext } from './reading/sql-context.ts'
import type { Documents } from './documents.ts'
import { loadDocuments } from './reading/document-loader.ts'
import { documentObject } from './stored-document.ts'

/**
 * Answers `exists` and `get` in rules. No rule is asked about what they look at: the author of a rule decides by it
 * what may be told. A collection that is not there holds nothing.
 */
export async function lookUp(
  documents: Documents,
  db: Queryable,
  project: Project,
  call: LookupCall,
): Promise<Json> {
  const collection = await documents.catalog.find(project, call.collection)
  if (collection === undefined) return call.kind === 'get' ? null : false
  if (call.kind === 'get') {
    const found = await loadDocuments(db, collection.table, [call.id])
    const stored = found.get(call.id)
    return stored === undefined ? null : documentObject(stored)
  }
  const params = new SqlParameters()
  const condition = toSql(call.filter, await sqlContext(documents, project, collection, params))
  const text = `SELECT EXISTS (\n  SELECT FROM ${collection.table} AS t\n  WHERE ${condition}\n)`
  const { rows } = await db.query<[boolean]>({
    ...statementName(text),
    text,
    values: params.values,
    rowMode: 'array',
  })
  return rows[0]?.[0] === true
}
