import type { StatementRunner, TypedStatement } from '../../platform/share-statements.ts'
import { decodeCursor, encodeCursor } from '../../query/cursor.ts'
import type { Expression } from '../../query/expression.ts'
import type { JsonObject } from '../../query/json.ts'
import type { SortKey } from '../../query/parse-sort.ts'
import { SqlParameters } from '../../query/sql-context.ts'
import { cursorToSql, distanceToSql, sortToSql } from '../../query/sort-to-sql.ts'
import { toSql } from '../../query/to-sql.ts'
import type { Caller } from '../caller.ts'
import type { Collection } from '../collections/collection.ts'
import type { Documents } from '../documents.ts'
import type { StoredDocument } from '../committer/planned-write.ts'
import { documentColumns, documentObject, type DocumentRow, readRow } from '../stored-document.ts'
import type { CheckedQuery } from './query-documents.ts'
import { sqlContext } from './sql-context.ts'

export interface Page {
  documents: StoredDocument[]
  nextCursor: string | null
}

/** One page in the order of the query, with the cursor of the next when there is one. */
export async function selectPage(
  documents: Documents,
  statements: StatementRunner,
  caller: Caller,
  collection: Collection,
  query: CheckedQuery,
): Promise<Page> {
  const { sort, limit } = query
  const rows = await statements.run<DocumentRow>(
    await pageStatement(documents, caller, collection, query, limit + 1),
  )
  const page = rows.slice(0, limit)
  // One more than asked for tells that there is a next page.
  const last = rows.length > limit ? page.at(-1) : undefined
  return {
    documents: page.map(readRow),
    nextCursor: last === undefined ? null : cursorAfter(sort, documentObject(readRow(last)), last[5]),
  }
}

/** Selects `documentColumns`, and the distance where the order is by it, of at most so many documents. */
export async function pageStatement(
  documents: Documents,
  { project }: Pick<Caller, 'project'>,
  collection: Collection,
  { condition, sort, after }: { condition: Expression; sort: readonly SortKey[]; after?: string | undefined },
  rows: number,
): Promise<TypedStatement> {
  const params = new SqlParameters()
  const context = await sqlContext(documents, project, collection, params)
  const distance = distanceToSql(sort, context)
  const conditions = [toSql(condition, context)]
  if (after !== undefined) conditions.push(cursorToSql(sort, decodeCursor(after, sort), context))
  const text = `
    SELECT ${documentColumns}${distance === undefined ? '' : `, ${distance}`}
    FROM ${collection.table} AS t
    WHERE ${conditions.join(' AND ')}
    ORDER BY ${sortToSql(sort, context)}
    LIMIT ${params.push(rows, 'bigint')}`
  return { text, values: params.values, types: params.types }
}

function cursorAfter(sort: readonly SortKey[], document: JsonObject, distance: unknown): string {
  return encodeCursor(sort, document, typeof distance === 'number' ? distance : undefined)
}
