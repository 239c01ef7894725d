import { statementName } from '../../platform/prepared-statements.ts'
import { aggregateToSql } from '../../query/aggregate-to-sql.ts'
import type { JsonObject } from '../../query/json.ts'
import { parseAggregate } from '../../query/parse-aggregate.ts'
import { SqlParameters } from '../../query/sql-context.ts'
import { fieldPaths } from '../../query/walk-expression.ts'
import type { Caller } from '../caller.ts'
import type { Collection } from '../collections/collection.ts'
import type { Documents } from '../documents.ts'
import { guardedFields, refuseHiddenPaths } from './field-access.ts'
import { listCondition } from './query-documents.ts'
import { sqlContext } from './sql-context.ts'

/** Groups of documents with their counts, sums and so on, over what the caller may list. */
export async function aggregateDocuments(
  documents: Documents,
  caller: Caller,
  collection: Collection,
  input: unknown,
): Promise<JsonObject[]> {
  const query = parseAggregate(input, documents.services.config.limits)
  refuseHiddenPaths(guardedFields(caller, collection), [
    ...fieldPaths(query.where, collection.queryIndexes.search),
    ...query.groupBy,
    ...query.select.flatMap(({ path }) => (path === undefined ? [] : [path])),
  ])
  const params = new SqlParameters()
  const context = await sqlContext(documents, caller.project, collection, params)
  const visible = { ...query, where: listCondition(caller, collection, query.where) }
  const text = aggregateToSql(visible, collection.table, context)
  const { rows } = await documents.services.db.query<[JsonObject]>({
    ...statementName(text),
    text,
    values: params.values,
    rowMode: 'array',
  })
  return rows.map(([group]) => group)
}
