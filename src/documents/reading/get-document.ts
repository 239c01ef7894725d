import { mayDo } from '../ask-rule.ts'
import type { Caller } from '../caller.ts'
import type { Collection } from '../collections/collection.ts'
import type { Documents } from '../documents.ts'
import { documentNotFound } from '../errors.ts'
import { documentObject, documentText } from '../stored-document.ts'
import { guardedFields } from './field-access.ts'
import { type IncludeTree, parseInclude } from './parse-include.ts'
import { parseFields } from './select-fields.ts'
import { presentDocuments } from './present-documents.ts'

export interface ReadDocument {
  /** JSON text. */
  body: string
  version: number
}

/** One document as the caller may see it. Throws 404 when there is none, or none that the caller may read. */
export async function getDocument(
  documents: Documents,
  caller: Caller,
  collection: Collection,
  id: string,
  shape: { include?: string | readonly string[]; fields?: string | readonly string[] },
): Promise<ReadDocument> {
  const db = documents.services.db
  const stored = await documents.loader.load(collection.table, id)
  if (stored === undefined) throw documentNotFound(id)
  const decision = mayDo(documents, db, caller, collection, 'read', { doc: () => documentObject(stored) })
  if (!(typeof decision === 'boolean' ? decision : await decision)) throw documentNotFound(id)

  const include: IncludeTree = parseInclude(shape.include)
  const fields = parseFields(shape.fields)
  const guarded = guardedFields(caller, collection)
  // Most reads want the document as it is stored: its text goes out without being parsed.
  if (guarded.length === 0 && fields === undefined && include.size === 0) {
    return { body: documentText(stored), version: stored.version }
  }
  const [document] = await presentDocuments(documents, db, caller, collection, [documentObject(stored)], {
    guarded,
    include,
    fields,
  })
  return { body: JSON.stringify(document), version: stored.version }
}
