import type { Queryable } from '../../platform/database.ts'
import type { Caller } from '../caller.ts'
import type { Collection } from '../collections/collection.ts'
import type { Documents } from '../documents.ts'

/** What every plan of a write is made with. */
export interface WriteContext {
  documents: Documents
  /** The transaction, where the write is decided inside one. */
  db: Queryable
  caller: Caller
  collection: Collection
}

/** What has to be true of the stored document. Undefined asks for nothing. */
export interface Precondition {
  /** `If-Match: "3"`: it is at this version. */
  ifVersion?: number
  /** `If-Match: *`: there is one. */
  ifPresent?: true
  /** `If-None-Match: *`: there is none. */
  ifAbsent?: boolean
}
