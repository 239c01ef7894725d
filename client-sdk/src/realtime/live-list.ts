import type { BasaltError } from '../basalt-error.ts'
import { changeList, replaceList } from './documents-list.ts'
import { Listeners } from './listeners.ts'
import { canonicalJson } from './same-json.ts'
import type { AnyDocument, ClientMessage, LiveRequest, StreamMessage } from './protocol.ts'
import type { Realtime } from './realtime.ts'
import type { Stream } from './stream.ts'

/**
 * What is known of a live query:
 *
 *              snapshot               connection lost, resync, another user
 *   loading ──────────────► live ◄────────────────────────────────────────► reconnecting
 *     ▲  │                   │         what was missed, or a snapshot            │
 *     │  └───── refused ─────┴──────────────────► failed ◄───────────────────────┘
 *     │                                             │
 *     └─── another user; signed out ────────────────┘         closed: from each of them
 *
 * Documents stay, the very same objects, until they change or their user goes. Nobody sees what another one could.
 */
export type ListState =
  | { readonly status: 'loading' | 'closed'; readonly documents: undefined }
  | { readonly status: 'live' | 'reconnecting'; readonly documents: readonly AnyDocument[] }
  | { readonly status: 'failed'; readonly documents: undefined; readonly error: BasaltError }

const loading: ListState = { status: 'loading', documents: undefined }
export const closed: ListState = { status: 'closed', documents: undefined }

/** The lists that a client follows: equal questions share one. */
export class LiveLists {
  readonly #realtime: Realtime
  readonly #lists = new Map<string, LiveList>()

  constructor(realtime: Realtime) {
    this.#realtime = realtime
  }

  /** What is known already. */
  peek(request: LiveRequest): ListState {
    return this.#lists.get(canonicalJson(request))?.state ?? loading
  }

  /** The list, kept up to date from the first listener on until the last has gone. */
  get(request: LiveRequest): LiveList {
    const key = canonicalJson(request)
    const known = this.#lists.get(key)
    if (known !== undefined) return known
    const forgetList = (): void => {
      if (this.#lists.get(key) === list) this.#lists.delete(key)
    }
    const list = new LiveList(this.#realtime, request, forgetList)
    this.#realtime.add(list)
    this.#lists.set(key, list)
    return list
  }
}

export class LiveList implements Stream {
  readonly #realtime: Realtime
  readonly #request: LiveRequest
  readonly #onEnd: () => void
  readonly #listeners = new Listeners<ListState>()
  #state = loading
  #cursor: string | undefined

  constructor(realtime: Realtime, request: LiveRequest, onEnd: () => void) {
    this.#realtime = realtime
    this.#request = request
    this.#onEnd = onEnd
  }

  get state(): ListState {
    return this.#state
  }

  /** Tells every new state, after the return. */
  subscribe(listener: (state: ListState) => void): () => void {
    const stop = this.#listeners.add(listener)
    return () => {
      stop()
      // What takes its place in the same moment, as when an app changes pages, finds it as it was.
      queueMicrotask(() => this.#endIfUnheard())
    }
  }

  open(id: string): ClientMessage {
    if (this.#state.documents === undefined) this.#enter(loading)
    const cursor = this.#cursor
    return { type: 'subscribe', id, ...this.#request, ...(cursor === undefined ? {} : { cursor }) }
  }

  receive(message: StreamMessage): void {
    const { documents = [] } = this.#state
    if (message.type === 'snapshot') this.#show(replaceList(documents, message.documents), message.cursor)
    if (message.type === 'change') this.#show(changeList(documents, message.changes), message.cursor)
  }

  pause(): void {
    const { documents } = this.#state
    this.#enter(documents === undefined ? loading : { status: 'reconnecting', documents })
  }

  reset(): void {
    this.#cursor = undefined
    this.pause()
  }

  forget(): void {
    this.#cursor = undefined
    this.#enter(loading)
  }

  fail(error: BasaltError): void {
    this.#cursor = undefined
    this.#enter({ status: 'failed', documents: undefined, error })
  }

  complain(): void {}

  end(): void {
    this.#onEnd()
    this.#enter(closed)
  }

  #endIfUnheard(): void {
    if (this.#listeners.size > 0) return
    this.#realtime.remove(this)
    this.#onEnd()
  }

  #show(documents: readonly AnyDocument[], cursor: string): void {
    this.#cursor = cursor
    this.#enter({ status: 'live', documents })
  }

  #enter(state: ListState): void {
    const { status, documents } = this.#state
    if (status !== 'failed' && status === state.status && documents === state.documents) return
    this.#state = state
    this.#listeners.tell(state)
  }
}
