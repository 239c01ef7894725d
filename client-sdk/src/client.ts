import { type Change, type ChangesOptions, readChanges } from './changes.ts'
import { CollectionClient } from './collection.ts'
import { applySchema, type CollectionChanges, type CollectionsClient } from './collections.ts'
import { createCollectionsClient, type PutOptions } from './collections.ts'
import type { CollectionName, Schema, UntypedSchema } from './define-schema.ts'
import { runTransaction, type Settled, type Transaction } from './transaction.ts'
import { createTransport, type Fetch, type TokenProvider } from './transport.ts'

export { BasaltError, type ErrorCode, type Issue } from './basalt-error.ts'
export { collection, defineSchema } from './define-schema.ts'
export type {
  CollectionDefinition,
  CollectionIndex,
  CollectionName,
  CollectionRules,
  CollectionSchema,
  Schema,
  UntypedSchema,
} from './define-schema.ts'
export { array, boolean, integer, json, number, object, oneOf, point, reference } from './fields.ts'
export { string, timestamp, type Field, type FieldRules, type JsonSchema, type Point } from './fields.ts'
export type { Data, Document, NewDocument, Row, SystemFields } from './document.ts'
export type { Aggregation, AggregateOptions, Group } from './aggregate.ts'
export type { Change, ChangesOptions } from './changes.ts'
export type { CollectionClient } from './collection.ts'
export type {
  CollectionChange,
  CollectionChanges,
  CollectionInfo,
  CollectionsClient,
  PutOptions,
} from './collections.ts'
export type { Filter, Operators } from './filter.ts'
export type { ImportFault, ImportOptions, ImportSummary } from './import-documents.ts'
export type { Patch } from './patch.ts'
export type { Page, Query } from './query.ts'
export type { Pending, Settled, Transaction } from './transaction.ts'
export type { Fetch, TokenProvider } from './transport.ts'

export interface ClientOptions<S extends Schema> {
  /** Where the server is: `https://api.example.com`. */
  readonly url: string
  /** The project's `ref`. */
  readonly project: string
  /** `pk_…` in apps; `sk_…`, which passes every rule, on servers only. */
  readonly key: string
  /** Gives the client its types; `createClient<typeof schema>` does too, without the value. */
  readonly schema?: S
  /** With a publishable key: the access token of the user to act as, or what finds it. */
  readonly accessToken?: string | TokenProvider
  /** For a call with all its retries. Default 30,000. */
  readonly timeoutMs?: number
  /** Tries after the first, for what may pass: broken connections, 429, 502, 503, 504. Default 3. */
  readonly retries?: number
  /** Default: the platform's `fetch`. */
  readonly fetch?: Fetch
}

/** A project of a Basalt server. */
export interface Basalt<S extends Schema> {
  /** The documents of a collection. */
  collection<N extends CollectionName<S>>(name: N): CollectionClient<S, N>
  /**
   * Writes several documents or none. The callback collects; what it returns says which results are wanted.
   *
   * @example
   * const [order] = await basalt.transaction((tx) => [
   *   tx.create('orders', { item: 'lamp' }),
   *   tx.update('stock', 'lamp', { left: { $increment: -1 } }, { ifVersion: 7 }),
   * ])
   */
  transaction<const R>(
    collect: (tx: Transaction<S>) => R,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Settled<R>>
  /** The committed writes of the project, in order. For secret keys. */
  changes(options?: ChangesOptions): AsyncGenerator<Change<S>, void, undefined>
  readonly collections: CollectionsClient
  /** Puts every collection of a schema. For secret keys. */
  applySchema(schema: Schema, options?: PutOptions): Promise<CollectionChanges[]>
}

/**
 * Connects to a project; no request is made yet.
 *
 * @example
 * const basalt = createClient({ url: 'http://localhost:4000', project: 'demo', key: 'pk_…', schema })
 * const post = await basalt.collection('posts').create({ title: 'Hello' })
 */
export function createClient<S extends Schema = UntypedSchema>(options: ClientOptions<S>): Basalt<S> {
  const { url, project, key, accessToken = null, timeoutMs = 30_000, retries = 3 } = options
  if (key.startsWith('sk_') && accessToken !== null) {
    throw new TypeError('A secret key acts for itself: use a publishable key with an access token')
  }
  const transport = createTransport({
    baseUrl: `${url.replace(/\/+$/, '')}/v1/projects/${encodeURIComponent(project)}`,
    key,
    accessToken: typeof accessToken === 'function' ? accessToken : () => accessToken,
    // Browsers refuse a `fetch` that is called as a method of something else.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    timeoutMs,
    retries,
  })
  const collections = createCollectionsClient(transport)
  return {
    collection: (name) => new CollectionClient(transport, name),
    transaction: (collect, { signal } = {}) => runTransaction(transport, collect, signal),
    changes: (changesOptions = {}) => readChanges(transport, changesOptions),
    collections,
    applySchema: (schema, putOptions) => applySchema(collections, schema, putOptions),
  }
}
