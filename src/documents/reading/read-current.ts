import type { Queryable } from '../../platform/database.ts'
import type { Collection } from '../collections/collection.ts'
import type { StoredDocument } from '../committer/planned-write.ts'
import type { Documents } from '../documents.ts'
import { loadDocuments } from './document-loader.ts'

/** What a write is decided on. Under the lock it is read by the connection that holds it, else together with other reads. */
export async function readCurrent(
  documents: Documents,
  db: Queryable,
  collection: Collection,
  id: string,
  isLocked: boolean,
): Promise<StoredDocument | undefined> {
  if (!isLocked) return documents.loader.load(collection.table, id)
  return (await loadDocuments(db, collection.table, [id])).get(id)
}
