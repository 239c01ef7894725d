import { changeList, replaceList } from './documents-list.ts'
import { Listeners } from './listeners.ts'
import type { Member, StreamMessage } from './protocol.ts'

const kinds = { join: 'added', update: 'changed', leave: 'removed' } as const

/** Who is in a channel and shows it. Members who didn't change stay the same objects. */
export class MemberList<Presence> {
  readonly #listeners = new Listeners<readonly Member<Presence>[]>()
  readonly #show: (presence: Presence | null) => void
  #members: readonly Member<Presence>[] = []

  /** @internal */
  constructor(show: (presence: Presence | null) => void) {
    this.#show = show
  }

  /** As of now; while the connection is away, as of then. Oneself is among them, once with `presence`. */
  get members(): readonly Member<Presence>[] {
    return this.#members
  }

  /** Calls at once and at every change, until the returned function is called. */
  subscribe(callback: (members: readonly Member<Presence>[]) => void): () => void {
    const stop = this.#listeners.add(callback)
    callback(this.#members)
    return stop
  }

  /** Shows the others another state of oneself, a JSON object of at most 4 KiB, also after a reconnect; null hides. */
  update(presence: Presence | null): void {
    this.#show(presence)
  }

  /** @internal */
  receive({ kind, members }: StreamMessage & { readonly type: 'presence' }): void {
    // What members show is what this app let them: not checked.
    const told = members as readonly Member<Presence>[]
    if (kind === 'state') return this.enter(replaceList(this.#members, told))
    this.enter(
      changeList(
        this.#members,
        told.map((document) => ({ kind: kinds[kind], document })),
      ),
    )
  }

  /** @internal */
  enter(members: readonly Member<Presence>[]): void {
    if (members === this.#members) return
    this.#members = members
    this.#listeners.tell(members)
  }
}
