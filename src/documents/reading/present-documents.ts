import type { Queryable } from '../../platform/database.ts'
import type { FieldPath } from '../../query/field-path.ts'
import type { JsonObject } from '../../query/json.ts'
import type { Caller } from '../caller.ts'
import type { Collection } from '../collections/collection.ts'
import type { Documents } from '../documents.ts'
import { type GuardedField, withoutHiddenFields } from './field-access.ts'
import { includeRelated } from './include-related.ts'
import type { IncludeTree } from './parse-include.ts'
import { selectFields } from './select-fields.ts'

/** How documents are shown. */
export interface Shape {
  guarded: readonly GuardedField[]
  include: IncludeTree
  fields: readonly FieldPath[] | undefined
}

/** Documents as the caller asked for them and may see them. */
export async function presentDocuments(
  documents: Documents,
  db: Queryable,
  caller: Caller,
  collection: Collection,
  found: readonly JsonObject[],
  { guarded, include, fields }: Shape,
): Promise<JsonObject[]> {
  const visible: JsonObject[] = []
  for (const document of found) {
    visible.push(await withoutHiddenFields(documents, db, caller, guarded, document))
  }
  const complete = await includeRelated(documents, db, caller, collection, visible, include)
  return fields === undefined ? complete : complete.map((document) => selectFields(document, fields))
}
