import type { ApiError } from '../../platform/errors.ts'
import type { LiveInput } from '../../documents/reading/live-query.ts'
import { noChanges } from './list-messages.ts'
import type { Start, Subscriber } from './subscriber.ts'
import type { View } from './view.ts'

/** Whom subscriptions tell what becomes of them: the live queries of one socket. */
export interface SubscriptionOwner {
  send(text: string): void
  /** The first answer was sent, or there won't be one. */
  answered(): void
  /** The rules have changed, perhaps. */
  reconsider(subscription: Subscription): Promise<void>
  /** Nothing more comes of it: the reader asks anew, or not. */
  ended(subscription: Subscription): void
}

/** One live query of one reader. There are many, so it holds nothing that can be made when it is needed. */
export class Subscription implements Subscriber {
  readonly id: string
  readonly collection: string
  readonly #owner: SubscriptionOwner
  #input: LiveInput
  #view: View | undefined
  #isOver = false
  #isAnswered = false
  #lastCursor = ''

  constructor(id: string, collection: string, input: LiveInput, owner: SubscriptionOwner) {
    this.id = id
    this.collection = collection
    this.#input = input
    this.#owner = owner
  }

  get input(): LiveInput {
    return this.#input
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get view(): View | undefined {
    return this.#view
  }

  /** Follows a view, instead of the one followed so far. */
  follow(view: View, start: Start): void {
    this.#view?.leave(this)
    this.#view = view
    // Mostly all who follow a view have asked for it in the same words, which one of them keeps for all.
    const { input } = view.plan
    if (JSON.stringify(input) === JSON.stringify(this.#input)) this.#input = input
    view.join(this, start)
  }

  reconsider(): Promise<void> {
    return this.#owner.reconsider(this)
  }

  snapshot(text: string, cursor: string): void {
    this.#send('snapshot', text, cursor)
  }

  change(text: string, cursor: string): void {
    this.#send('change', text, cursor)
  }

  /** Tells how far the list is complete, if the reader does not know. An old cursor costs more when it comes back. */
  tellCursor(): void {
    const cursor = this.#view?.cursor()
    if (cursor === undefined || cursor === this.#lastCursor) return
    this.#send('change', noChanges, cursor)
  }

  resync(): void {
    if (this.#isOver) return
    this.stop()
    this.#owner.send(`{"type":"resync","id":${JSON.stringify(this.id)}}`)
  }

  fail({ code, message, errors }: ApiError): void {
    if (this.#isOver) return
    this.stop()
    this.#owner.send(JSON.stringify({ type: 'error', id: this.id, code, detail: message, errors }))
  }

  /** Without a word. */
  stop(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#tellAnswered()
    this.#view?.leave(this)
    this.#owner.ended(this)
  }

  #send(type: 'snapshot' | 'change', text: string, cursor: string): void {
    if (this.#isOver) return
    this.#lastCursor = cursor
    this.#owner.send(`{"type":"${type}","id":${JSON.stringify(this.id)},${text},"cursor":"${cursor}"}`)
    this.#tellAnswered()
  }

  #tellAnswered(): void {
    if (this.#isAnswered) return
    this.#isAnswered = true
    this.#owner.answered()
  }
}
