import { versionBefore } from '../../changes/present-change.ts'
import type { LoggedRow } from '../../changes/read-changes.ts'
import type { StoredDocument } from '../../documents/committer/planned-write.ts'
import { documentObject } from '../../documents/stored-document.ts'
import type { JsonObject } from '../../query/json.ts'

/** A document as it was at some moment. Parsed once, by the first query that looks into it. */
export class LoggedDocument {
  readonly stored: StoredDocument
  #object: JsonObject | undefined

  constructor(stored: StoredDocument) {
    this.stored = stored
  }

  get object(): JsonObject {
    this.#object ??= documentObject(this.stored)
    return this.#object
  }
}

/** A committed write: the document before and after it. */
export interface LoggedChange {
  seq: number
  collection: string
  id: string
  before: LoggedDocument | null
  after: LoggedDocument | null
  /** How much memory it may hold, roughly. */
  bytes: number
}

export function toLoggedChange(row: LoggedRow): LoggedChange {
  const { seq, collection, id, at, createdAt, version, data, before, beforeAt } = row
  return {
    seq,
    collection,
    id,
    before:
      before === null
        ? null
        : new LoggedDocument({
            id,
            data: before,
            version: versionBefore(row),
            createdAt,
            updatedAt: beforeAt ?? at,
          }),
    after: data === null ? null : new LoggedDocument({ id, data, version, createdAt, updatedAt: at }),
    // Text and what is parsed of it.
    bytes: 400 + 4 * ((data?.length ?? 0) + (before?.length ?? 0)),
  }
}
