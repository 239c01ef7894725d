import type { ApiError } from '../../platform/errors.ts'
import type { Entry } from './list-window.ts'

/** Somebody who follows a view. The texts are what stands behind the `id` of a message. */
export interface Subscriber {
  /** Whether it has gone; it is told nothing more. */
  readonly isOver: boolean
  snapshot(rest: string): void
  change(rest: string): void
  /** What was shown can't be brought up to date: the subscription is over. */
  resync(): void
  fail(error: ApiError): void
}

/** What a subscriber has already: nothing, the list as it was after a change, or a list that came from another view. */
export type Start =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'since'; readonly seq: number }
  | { readonly kind: 'list'; readonly entries: readonly Entry[] }
