import type { Caller } from '../documents/caller.ts'
import { unauthenticated } from '../platform/errors.ts'
import type { Actor, Scope } from '../projects/actor.ts'
import { admit } from '../projects/identify-actor.ts'
import { haveSameRights, type Holder, type Shown, type Standing, type Standings } from './standings.ts'

/** What came with the request that opened the socket. */
export interface Opening extends Shown {
  readonly ip: string
  readonly requestId: string
}

/** Who a socket is, now. */
export class SocketIdentity {
  readonly #standings: Standings
  readonly #opening: Opening
  readonly #holder: Holder
  #standing: Standing | undefined
  #isOver = false

  /** @param actor whom the door has found; null if nobody has said anything yet */
  constructor(standings: Standings, opening: Opening, actor: Actor | null, holder: Holder) {
    this.#standings = standings
    this.#opening = opening
    this.#holder = holder
    if (actor !== null) this.#standing = standings.enter(opening, actor, holder)
  }

  get isKnown(): boolean {
    return this.#standing !== undefined
  }

  /**
   * Takes another token, or with null what the socket was opened with. Says whether that makes a difference to rights.
   * Throws `unauthenticated`.
   */
  async authenticate(token: string | null): Promise<boolean> {
    const { project, key } = this.#opening
    const shown = { project, key, token: token ?? this.#opening.token }
    const actor = await this.#standings.identify(shown)
    if (actor === null) throw unauthenticated('Say who you are.')
    if (this.#isOver) return false
    const before = this.#standing
    // First in, then out: the same token again is the same standing.
    const isOther = before === undefined || !haveSameRights(before.actor, actor)
    this.#standing = this.#standings.enter(shown, actor, this.#holder)
    if (before !== undefined && before !== this.#standing) this.#standings.leave(before, this.#holder)
    return isOther
  }

  /** Throws if nobody is known yet, or if this actor may not do that at all. */
  caller(scope: Scope): Caller {
    const { project, requestId, ip } = this.#opening
    if (this.#standing === undefined) throw unauthenticated('Say who you are first: send auth.')
    const { actor } = this.#standing
    admit(actor, { scope, clients: true })
    return { project, actor, requestId, request: { time: new Date().toISOString(), ip } }
  }

  /** The socket is gone. */
  close(): void {
    this.#isOver = true
    if (this.#standing !== undefined) this.#standings.leave(this.#standing, this.#holder)
  }
}
