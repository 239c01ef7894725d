import type { CollectionName, Schema } from './define-schema.ts'
import type { Document } from './document.ts'
import type { Transport } from './transport.ts'

/** One committed write; `collection` and `kind` tell the shape of the rest. */
export type Change<S extends Schema> = {
  [N in CollectionName<S>]: ChangeOf<N, Document<S, N>>
}[CollectionName<S>]

type ChangeOf<N, D> = {
  /** Numbers the project's writes without gaps, in the order of their commits. */
  seq: number
  /** ISO 8601, UTC. */
  at: string
  collection: N
  id: string
  /** Who wrote: `user:…`, `key:…`. */
  actor: string
} & (
  | { kind: 'create'; document: D; before: null }
  | { kind: 'update'; document: D; before: D }
  | { kind: 'delete'; document: null; before: D }
)

export interface ChangesOptions {
  /** The `seq` of the last change already seen; 0 starts where the log does. */
  readonly after?: number
  /** Changes a request. */
  readonly limit?: number
  readonly signal?: AbortSignal
}

interface ChangesPage<S extends Schema> {
  changes: Change<S>[]
  cursor: number
  hasMore: boolean
}

/**
 * The change log from a point on, up to its present end. For secret keys.
 * Fails with `cursor_expired` if what came after that point was dropped from the log already.
 * What a consumer must keep to go on later is the `seq` of the last change that it has handled.
 */
export async function* readChanges<S extends Schema>(
  transport: Transport,
  { after = 0, limit, signal }: ChangesOptions,
): AsyncGenerator<Change<S>, void, undefined> {
  for (let seen = after; ;) {
    const query = { after: String(seen), limit: limit?.toString() }
    const { changes, cursor, hasMore } = await transport.json<ChangesPage<S>>({
      method: 'GET',
      path: '/changes',
      query,
      signal,
    })
    yield* changes
    if (!hasMore) return
    seen = cursor
  }
}
