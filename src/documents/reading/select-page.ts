import type { StatementRunner } from '../../platform/share-statements.ts'
import { decodeCursor, encodeCursor } from '../../query/cursor.ts'
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
  { condition, sort, limit, after }: CheckedQuery,
): Promise<Page> {
  const params = new SqlParameters()
  const context = await sqlContext(documents, caller.project, collection, params)
  const distance = distanceToSql(sort, context)
  const conditions = [toSql(condition, context)]
  if (after !== undefined) conditions.push(cursorToSql(sort, decodeCursor(after, sort), context))
  const text = `
    SELECT ${documentColumns}${distance === undefined ? '' : `, ${distance}`}
    FROM ${collection.table} AS t
    WHERE ${conditions.join(' AND ')}
    ORDER BY ${sortToSql(sort, context)}
    LIMIT ${params.push(limit + 1, 'bigint')}`
  const rows = await statements.run<DocumentRow>({ text, values: params.values, types: params.types })
  const page = rows.slice(0, limit)
  // One more than asked for tells that there is a next page.
  const last = rows.length > limit ? page.at(-1) : undefined
  return {
    documents: page.map(readRow),
    nextCursor: last === undefined ? null : cursorAfter(sort, documentObject(readRow(last)), last[5]),
  }
}

function cursorAfter(sort: readonly SortKey[], document: JsonObject, distance: unknown): string {
  return encodeCursor(sort, document, typeof distance === 'number' ? distance : undefined)
}
