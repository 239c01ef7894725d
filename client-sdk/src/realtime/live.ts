/// <reference lib="esnext.disposable" preserve="true" />
import type { BasaltError } from '../basalt-error.ts'
import { type LiveChange, listChanges } from './documents-list.ts'
import { Listeners } from './listeners.ts'
import { closed, type ListState, type LiveLists } from './live-list.ts'
import type { AnyDocument, LiveRequest } from './protocol.ts'

/** How a live query stands. `documents` is there in every state, so that it can be taken out without asking. */
export type LiveQueryState<T> =
  | { readonly status: 'loading'; readonly documents: undefined }
  /** As the server has it. */
  | { readonly status: 'live'; readonly documents: readonly T[] }
  /** As the server had it; what has changed since will follow. */
  | { readonly status: 'reconnecting'; readonly documents: readonly T[] }
  /** Until there is another user. */
  | { readonly status: 'failed'; readonly documents: undefined; readonly error: BasaltError }
  | { readonly status: 'closed'; readonly documents: undefined }

/** How a live document stands. Null: there is none, or none that the user may read. */
export type LiveDocumentState<T> =
  | { readonly status: 'loading'; readonly document: undefined }
  | { readonly status: 'live'; readonly document: T | null }
  | { readonly status: 'reconnecting'; readonly document: T | null }
  | { readonly status: 'failed'; readonly document: undefined; readonly error: BasaltError }
  | { readonly status: 'closed'; readonly document: undefined }

/** What a live list looks like to whoever asked for it. */
interface View<State, Value> {
  toState(list: ListState): State
  /** Undefined as long as there is none. */
  toValue(list: ListState): Value | undefined
}

/**
 * Documents that keep themselves up to date from the first listener on, until the last one stops or `close` ends them
 * all. Queries that ask for the same share one subscription. Documents that didn't change stay the same objects, and
 * a new list comes only if something in it did.
 */
class Live<State, Value, T> implements AsyncIterable<Value> {
  readonly #lists: LiveLists
  readonly #request: LiveRequest
  readonly #view: View<State, Value>
  readonly #signal: AbortSignal | undefined
  readonly #listeners = new Listeners<ListState>()
  readonly #close = (): void => this.close()
  #list: ListState | undefined
  #shown: { readonly list: ListState; readonly state: State } | undefined
  #stop: (() => void) | undefined

  /** @internal */
  constructor(lists: LiveLists, request: LiveRequest, view: View<State, Value>, signal?: AbortSignal) {
    this.#lists = lists
    this.#request = request
    this.#view = view
    this.#signal = signal
    if (signal?.aborted) this.close()
    else signal?.addEventListener('abort', this.#close)
  }

  /** How it stands now. The same object as long as nothing changes. */
  get state(): State {
    const list = this.#now()
    if (this.#shown?.list !== list) this.#shown = { list, state: this.#view.toState(list) }
    return this.#shown.state
  }

  /** Calls at once and at every change, until the returned function is called. */
  subscribe(callback: (state: State) => void): () => void {
    const stop = this.#listen(() => callback(this.state))
    callback(this.state)
    return stop
  }

  /**
   * Calls with what changed, until the returned function is called. The first list is no change, but what was missed
   * while the connection was away is.
   */
  onChange(callback: (changes: readonly LiveChange<T>[]) => void): () => void {
    let last: readonly AnyDocument[] | undefined
    const stop = this.#listen(({ documents }) => {
      if (documents !== undefined && last !== undefined && documents !== last) {
        callback(listChanges(last, documents) as LiveChange<unknown>[] as LiveChange<T>[])
      }
      // Without documents in between, the next ones are another user's.
      last = documents
    })
    last = this.#now().documents
    return stop
  }

  /** Ends it: `closed`, for every listener. */
  close(): void {
    this.#enter(closed)
    this.#listeners.clear()
    this.#release()
    this.#signal?.removeEventListener('abort', this.#close)
  }

  /** `using`, where the platform has it. */
  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * The newest whole value, and each newer one; what comes while the loop is busy is skipped but for the last.
   * Ends with `close`; throws what the query fails with, or the signal's reason.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Value, void, undefined> {
    let wake = (): void => {}
    const stop = this.#listen(() => wake())
    let last: Value | undefined
    try {
      for (;;) {
        const list = this.#now()
        if (list.status === 'failed') throw list.error
        if (list.status === 'closed') return this.#signal?.throwIfAborted()
        const value = this.#view.toValue(list)
        if (value !== undefined && value !== last) yield (last = value)
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      stop()
    }
  }

  #now(): ListState {
    return this.#list ?? this.#lists.peek(this.#request)
  }

  #listen(callback: (list: ListState) => void): () => void {
    if (this.#list?.status === 'closed') return () => {}
    this.#follow()
    const stop = this.#listeners.add(callback)
    return () => {
      stop()
      if (this.#listeners.size === 0) this.#release()
    }
  }

  #follow(): void {
    if (this.#stop !== undefined) return
    const list = this.#lists.get(this.#request)
    this.#list = list.state
    this.#stop = list.subscribe((state) => this.#enter(state))
  }

  #release(): void {
    this.#stop?.()
    this.#stop = undefined
    if (this.#list?.status !== 'closed') this.#list = undefined
  }

  #enter(list: ListState): void {
    if (this.#list?.status === 'closed') return
    this.#list = list
    this.#listeners.tell(list)
  }
}

/** A query that keeps its documents up to date. */
export type LiveQuery<T> = Live<LiveQueryState<T>, readonly T[], T>

/** A document that keeps itself up to date. */
export type LiveDocument<T> = Live<LiveDocumentState<T>, T | null, T>

// What the server sends is what it promises of the collection: not checked again here.

export function liveQuery<T>(lists: LiveLists, request: LiveRequest, signal?: AbortSignal): LiveQuery<T> {
  return new Live(
    lists,
    request,
    {
      toState: (list) => list as unknown as LiveQueryState<T>,
      toValue: ({ documents }) => documents as unknown as readonly T[] | undefined,
    },
    signal,
  )
}

export function liveDocument<T>(
  lists: LiveLists,
  request: LiveRequest,
  signal?: AbortSignal,
): LiveDocument<T> {
  const toValue = ({ documents }: ListState): T | null | undefined =>
    documents && ((documents[0] ?? null) as T | null)
  const toState = ({ documents, ...rest }: ListState): LiveDocumentState<T> =>
    ({ ...rest, document: documents && (documents[0] ?? null) }) as LiveDocumentState<T>
  return new Live(lists, request, { toState, toValue }, signal)
}
