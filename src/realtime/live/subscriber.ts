import type { ApiError } from '../../platform/errors.ts'
import type { Entry } from './list-window.ts'

/** Somebody who follows a view. The texts are what stands between `id` and `cursor` in a message. */
export interface Subscriber {
  snapshot(text: string, cursor: string): void
  change(text: string, cursor: string): void
  /** What was shown can't be brought up to date: the subscription is over. */
  resync(): void
  fail(error: ApiError): void
  /** Collections were declared anew: another list may be the right one. */
  reconsider(): Promise<void>
}

/** What a subscriber has already: nothing, the list as it was after a change, or a list that came from another view. */
export type Start =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'since'; readonly seq: number }
  | { readonly kind: 'list'; readonly entries: readonly Entry[] }
