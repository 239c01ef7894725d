import type { CollectionName, Schema } from './define-schema.ts'
import type { Data, Document, Input, NewDocument } from './document.ts'
import type { Patch } from './patch.ts'
import type { Transport } from './transport.ts'

interface Operation {
  readonly op: 'create' | 'update' | 'replace' | 'delete' | 'check'
  readonly collection: string
  readonly id?: string | undefined
  readonly data?: unknown
  readonly ifVersion?: number | undefined
}

interface Precondition {
  /** The document must still have this version. */
  readonly ifVersion?: number
}

declare const result: unique symbol

/** What an operation of a transaction will have answered once it is committed. */
export interface Pending<T> {
  readonly [result]?: T
  /** Its place among the operations. */
  readonly index: number
}

/** The results of what the callback of a transaction returned: one operation, or a list or an object of them. */
export type Settled<R> =
  R extends Pending<infer T>
    ? T
    : R extends object
      ? { -readonly [K in keyof R]: R[K] extends Pending<infer T> ? T : never }
      : void

/** Collects the operations of a transaction; nothing is sent before its callback ends. */
export class Transaction<S extends Schema> {
  /** @internal */
  readonly operations: Operation[] = []

  create<N extends CollectionName<S>>(collection: N, data: NewDocument<S, N>): Pending<Document<S, N>> {
    const { id, ...rest }: { id?: string } = data
    return this.#add({ op: 'create', collection, id, data: rest })
  }

  update<N extends CollectionName<S>>(
    collection: N,
    id: string,
    patch: Patch<Data<S, N>>,
    { ifVersion }: Precondition = {},
  ): Pending<Document<S, N>> {
    return this.#add({ op: 'update', collection, id, data: patch, ifVersion })
  }

  replace<N extends CollectionName<S>>(
    collection: N,
    id: string,
    data: Input<Data<S, N>>,
    { ifVersion }: Precondition = {},
  ): Pending<Document<S, N>> {
    return this.#add({ op: 'replace', collection, id, data, ifVersion })
  }

  delete(collection: CollectionName<S>, id: string, { ifVersion }: Precondition = {}): Pending<null> {
    return this.#add({ op: 'delete', collection, id, ifVersion })
  }

  /** Writes nothing, but lets the transaction fail unless the document exists (at this version). */
  check(collection: CollectionName<S>, id: string, { ifVersion }: Precondition = {}): Pending<null> {
    return this.#add({ op: 'check', collection, id, ifVersion })
  }

  #add<T>(operation: Operation): Pending<T> {
    return { index: this.operations.push(operation) - 1 }
  }
}

/** Runs the callback, sends what it collected, and puts results in the place of what it returned. */
export async function runTransaction<S extends Schema, const R>(
  transport: Transport,
  collect: (tx: Transaction<S>) => R,
  signal: AbortSignal | undefined,
): Promise<Settled<R>> {
  const tx = new Transaction<S>()
  const wanted = collect(tx)
  if (wanted instanceof Promise) throw new TypeError('The callback of a transaction must not be async')
  if (tx.operations.length === 0) return settle(wanted, [])
  const body = { operations: tx.operations }
  const { results } = await transport.json<{ results: unknown[] }>({
    method: 'POST',
    path: '/transactions',
    body,
    signal,
  })
  return settle(wanted, results)
}

function settle<R>(wanted: R, results: unknown[]): Settled<R>
function settle(wanted: unknown, results: unknown[]): unknown {
  if (isPending(wanted)) return results[wanted.index]
  if (Array.isArray(wanted)) return wanted.map((item) => settle(item, results))
  if (typeof wanted !== 'object' || wanted === null) return undefined
  return Object.fromEntries(Object.entries(wanted).map(([key, item]) => [key, settle(item, results)]))
}

function isPending(value: unknown): value is Pending<unknown> {
  return typeof value === 'object' && value !== null && 'index' in value && typeof value.index === 'number'
}
