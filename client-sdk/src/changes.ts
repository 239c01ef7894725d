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
  /** Who wrote. */
  actor: unknown
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

/**
 * The change log from a point on, up to its present end. For secret keys.
 * What a consumer must keep to go on later is the `seq` of the last change that it has handled.
 */
export async function* readChanges<S extends Schema>(
  transport: Transport,
  { after = 0, limit, signal }: ChangesOptions,
): AsyncGenerator<Change<S>, void, undefined> {
  for (let seen = after; ;) {
    const query = { after: String(seen), limit: limit?.toString() }
    const { changes } = await transport.json<{ changes: Change<S>[] }>({
      method: 'GET',
      path: '/changes',
      query,
      signal,
    })
    const last = changes.at(-1)
    if (last === undefined) return
    yield* changes
    seen = last.seq
  }
}
