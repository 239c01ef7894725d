import type { ApiError } from '../../platform/errors.ts'
import type { LiveInput } from '../../documents/reading/live-query.ts'
import type { Start, Subscriber } from './subscriber.ts'
import type { View } from './view.ts'

/** What a subscription tells its reader. */
export interface SubscriptionSink {
  send(text: string): void
  /** Nothing more comes of it: the reader asks anew, or not. */
  ended(subscription: Subscription): void
}

/** One live query of one reader. */
export class Subscription implements Subscriber {
  readonly id: string
  readonly collection: string
  readonly input: LiveInput
  readonly #sink: SubscriptionSink
  readonly #head: string
  #view: View | undefined
  #isOver = false
  #answered = Promise.withResolvers<void>()
  #lastCursor = ''

  constructor(id: string, collection: string, input: LiveInput, sink: SubscriptionSink) {
    this.id = id
    this.collection = collection
    this.input = input
    this.#sink = sink
    this.#head = `,"id":${JSON.stringify(id)},`
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get view(): View | undefined {
    return this.#view
  }

  /** Resolves when the first answer was sent, or when there won't be one. */
  get answered(): Promise<void> {
    return this.#answered.promise
  }

  /** Follows a view, instead of the one followed so far. */
  follow(view: View, start: Start): void {
    this.#view?.leave(this)
    this.#view = view
    view.join(this, start)
  }

  snapshot(rest: string): void {
    this.#send('snapshot', rest)
  }

  change(rest: string): void {
    this.#send('change', rest)
  }

  /** Tells how far the list is complete, if the reader does not know. An old cursor costs more when it comes back. */
  tellCursor(): void {
    const cursor = this.#view?.cursor()
    if (cursor === undefined || cursor === this.#lastCursor) return
    this.#send('change', `"changes":[],"cursor":"${cursor}"}`)
  }

  resync(): void {
    if (this.#isOver) return
    this.stop()
    this.#sink.send(`{"type":"resync","id":${JSON.stringify(this.id)}}`)
  }

  fail({ code, message, errors }: ApiError): void {
    if (this.#isOver) return
    this.stop()
    this.#sink.send(JSON.stringify({ type: 'error', id: this.id, code, detail: message, errors }))
  }

  /** Without a word. */
  stop(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#answered.resolve()
    this.#view?.leave(this)
    this.#sink.ended(this)
  }

  #send(type: 'snapshot' | 'change', rest: string): void {
    if (this.#isOver) return
    this.#lastCursor = cursorIn(rest)
    this.#sink.send(`{"type":"${type}"${this.#head}${rest}`)
    this.#answered.resolve()
  }
}

/** Every text ends with `"cursor":"…"}`. */
function cursorIn(rest: string): string {
  return rest.slice(rest.lastIndexOf('"', rest.length - 3) + 1, -2)
}
