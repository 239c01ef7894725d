import type { Queryable } from '../../platform/database.ts'
import { statementName } from '../../platform/prepared-statements.ts'
import type { Expression } from '../../query/expression.ts'
import { SqlParameters } from '../../query/sql-context.ts'
import { toSql } from '../../query/to-sql.ts'
import type { Caller } from '../caller.ts'
import type { Collection } from '../collections/collection.ts'
import type { Documents } from '../documents.ts'
import { sqlContext } from './sql-context.ts'

/** How many documents satisfy the condition, which must hold what the caller may see. */
export async function countDocuments(
  documents: Documents,
  db: Queryable,
  caller: Caller,
  collection: Collection,
  condition: Expression,
): Promise<number> {
  const params = new SqlParameters()
  const context = await sqlContext(documents, caller.project, collection, params)
  const text = `SELECT count(*)\nFROM ${collection.table} AS t\nWHERE ${toSql(condition, context)}`
  const { rows } = await db.query<[string]>({
    ...statementName(text),
    text,
    values: params.values,
    rowMode: 'array',
  })
  return Number(rows[0]?.[0])
}
