import type { StatementRunner } from '../../platform/share-statements.ts'
import { decodeCursor, encodeCursor } from '../../query/cursor.ts'
import type { SortKey } from '../../query/parse-sort.ts'
import { SqlParameters } from '../../query/sql-context.ts'
import { cursorToSql, distanceToSql, sortToSql } from '../../query/sort-to-sql.ts'
import { toSql } from '../../query/to-sql.ts'
import type { Caller } from '../caller.ts'
import type { Collection } from '../collections/collection.ts'
import type { Documents } from '../documents.ts'
import { documentTextSql } from '../stored-document.ts'
import type { CheckedQuery } from './query-documents.ts'
import { sqlContext } from './sql-context.ts'

export interface Page {
  /** The documents' JSON texts with `pageSeparator` between them. */
  documents: string
  nextCursor: string | null
}

/** Between two documents. No stored JSON holds a line end: inside of texts it is escaped. */
export const pageSeparator = ',\n'

/**
 * One page in the order of the query, with the cursor of the next when there is one. PostgreSQL writes the page as one
 * text: twenty rows of five columns cost this process more than all else of a list.
 */
export async function selectPage(
  documents: Documents,
  statements: StatementRunner,
  caller: Caller,
  collection: Collection,
  { condition, sort, limit, after }: CheckedQuery,
): Promise<Page> {
  const params = new SqlParameters()
  const context = await sqlContext(documents, caller.project, collection, params)
  const distance = distanceToSql(sort, context) ?? 'NULL::float8'
  const conditions = [toSql(condition, context)]
  if (after !== undefined) conditions.push(cursorToSql(sort, decodeCursor(after, sort), context))
  // One more than asked for tells whether there is a next page.
  const most = params.push(limit + 1, 'bigint')
  const text = `
    SELECT
      string_agg(text, ',' || chr(10) ORDER BY n) FILTER (WHERE n < ${most}),
      max(text) FILTER (WHERE n = ${most} - 1),
      max(distance) FILTER (WHERE n = ${most} - 1),
      count(*) = ${most}
    FROM (
      SELECT row_number() OVER () AS n, ${documentTextSql} AS text, distance
      FROM (
        SELECT t.*, ${distance} AS distance
        FROM ${collection.table} AS t
        WHERE ${conditions.join(' AND ')}
        ORDER BY ${sortToSql(sort, context)}
        LIMIT ${most}
      ) AS t
    ) AS page`
  const [row] = await statements.run<PageRow>({ text, values: params.values, types: params.types })
  const [found, last, lastDistance, hasMore] = row ?? [null, null, null, false]
  return {
    documents: found ?? '',
    nextCursor: hasMore && last !== null ? cursorAfter(sort, last, lastDistance) : null,
  }
}

type PageRow = [documents: string | null, last: string | null, distance: number | null, hasMore: boolean]

function cursorAfter(sort: readonly SortKey[], document: string, distance: number | null): string {
  return encodeCursor(sort, JSON.parse(document), distance ?? undefined)
}
