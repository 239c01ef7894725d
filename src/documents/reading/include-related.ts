import type { Queryable } from '../../platform/database.ts'
import { invalidValue } from '../../platform/errors.ts'
import { isJsonArray, type Json, type JsonObject } from '../../query/json.ts'
import { SqlParameters } from '../../query/sql-context.ts'
import { toSql } from '../../query/to-sql.ts'
import { visibleBy } from '../ask-rule.ts'
import type { Caller } from '../caller.ts'
import type { Collection } from '../collections/collection.ts'
import type { Documents } from '../documents.ts'
import { collectionBroken } from '../errors.ts'
import { documentColumns, documentObject, readRow, selectRows } from '../stored-document.ts'
import { guardedFields, withoutHiddenFields } from './field-access.ts'
import type { IncludeTree } from './parse-include.ts'
import { sqlContext } from './sql-context.ts'

const maxIncluded = 2_000

/**
 * Puts related documents in the place of their ids, one statement for each relation however many documents there
 * are. What the caller may not read is null, as is what doesn't exist; in a list it is left out.
 */
export async function includeRelated(
  documents: Documents,
  db: Queryable,
  caller: Caller,
  collection: Collection,
  found: readonly JsonObject[],
  include: IncludeTree,
): Promise<JsonObject[]> {
  let complete = [...found]
  for (const [field, deeper] of include) {
    const target = await relatedCollection(documents, caller, collection, field)
    const ids = new Set(complete.flatMap((document) => idsIn(document[field])))
    if (ids.size > maxIncluded) {
      throw invalidValue('include', `${field} would include more than ${maxIncluded} documents`, 'too_many')
    }
    const related = await loadVisible(documents, db, caller, target, [...ids])
    const nested = await includeRelated(documents, db, caller, target, related, deeper)
    const byId = new Map(nested.map((document) => [document['id'], document]))
    complete = complete.map((document) => withRelated(document, field, byId))
  }
  return complete
}

async function relatedCollection(
  documents: Documents,
  caller: Caller,
  collection: Collection,
  field: string,
): Promise<Collection> {
  const name = collection.relations.get(field)
  const target = name === undefined ? undefined : await documents.catalog.find(caller.project, name)
  if (target === undefined) {
    throw invalidValue('include', `${field} is not a relation of ${collection.name}`, 'unknown_relation')
  }
  if (target.faults !== undefined) throw collectionBroken(target.name)
  return target
}

async function loadVisible(
  documents: Documents,
  db: Queryable,
  caller: Caller,
  collection: Collection,
  ids: string[],
): Promise<JsonObject[]> {
  if (ids.length === 0) return []
  const params = new SqlParameters([ids])
  const context = await sqlContext(documents, caller.project, collection, params)
  const condition = toSql(visibleBy(caller, collection, 'read'), context)
  const text = `SELECT ${documentColumns}\nFROM ${collection.table} AS t\nWHERE t.id = ANY($1)\n  AND ${condition}`
  const rows = await selectRows(db, text, params.values)
  const guarded = guardedFields(caller, collection)
  const visible: JsonObject[] = []
  for (const row of rows) {
    visible.push(await withoutHiddenFields(documents, db, caller, guarded, documentObject(readRow(row))))
  }
  return visible
}

function idsIn(value: Json | undefined): string[] {
  if (typeof value === 'string') return [value]
  return isJsonArray(value) ? value.filter((item) => typeof item === 'string') : []
}

function withRelated(
  document: JsonObject,
  field: string,
  related: ReadonlyMap<Json | undefined, JsonObject>,
): JsonObject {
  const value = document[field]
  if (value === undefined) return document
  if (isJsonArray(value)) return { ...document, [field]: value.flatMap((id) => related.get(id) ?? []) }
  return { ...document, [field]: related.get(value) ?? null }
}
