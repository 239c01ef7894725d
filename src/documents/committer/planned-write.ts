/** What a request remembers under its `Idempotency-Key`, written together with the write itself. */
export interface IdempotencyRecord {
  actor: string
  key: string
  /** Hash of what was asked, so that a key that is used for something else is noticed. */
  fingerprint: string
  status: number
  /** The body of the answer, as text. */
  answer: string
}

interface PlannedBase {
  collection: string
  id: string
  /** ISO 8601 in UTC with milliseconds, as the API shows it. */
  at: string
  actor: string
  /** How many functions led to this write; absent for none. */
  depth?: number
  idempotency?: IdempotencyRecord
}

export interface PlannedCreate extends PlannedBase {
  kind: 'create'
  /** The document without its system fields, as JSON text. */
  data: string
  createdAt: string
}

export interface PlannedUpdate extends PlannedBase {
  kind: 'update'
  data: string
  current: StoredDocument
}

export interface PlannedDelete extends PlannedBase {
  kind: 'delete'
  current: StoredDocument
}

/**
 * A write that was checked and only waits to be committed. Updates and deletes carry the document that they were
 * decided on; they happen only if it is still the one that is stored.
 */
export type PlannedWrite = PlannedCreate | PlannedUpdate | PlannedDelete

/** A row of a collection's table. The JSON stays text for as long as nobody looks into it. */
export interface StoredDocument {
  id: string
  data: string
  version: number
  createdAt: string
  updatedAt: string
}

/** What became of a planned write. `stale`: the document is no longer the one it was decided on. */
export type CommitOutcome =
  | { committed: true; seq: number }
  | { committed: false; reason: 'exists' | 'stale' }
