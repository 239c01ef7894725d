import { inTurns } from '../in-turns.ts'
import type { ChannelRulesStore, JoinGrounds } from './channel-rules.ts'

/** The memberships of one socket, which may have to be asked about again. */
interface WatchedMemberships {
  readonly projectId: string
  /** Asks the rules about all of them. */
  reconsider(): Promise<void>
  /** Asks about those whose rules look at the clock, if it is time. */
  followClock(now: number): Promise<void>
}

interface Followed {
  readonly memberships: Set<WatchedMemberships>
  /** The rules that all were asked by; undefined where some were asked by others. */
  rules: object | undefined
}

/** Finds who has to be asked again whether it may be in its channels: one look at a project's rules serves all. */
export class MembershipWatch {
  readonly #store: Pick<ChannelRulesStore, 'stamp'>
  readonly #projects = new Map<string, Followed>()
  readonly #timed = new Set<WatchedMemberships>()
  #toAsk = new Set<WatchedMemberships>()

  constructor(store: Pick<ChannelRulesStore, 'stamp'>) {
    this.#store = store
  }

  /** After each answer of the rules. */
  add(memberships: WatchedMemberships, { rules, isTimed }: JoinGrounds): void {
    let followed = this.#projects.get(memberships.projectId)
    if (followed === undefined) {
      followed = { memberships: new Set(), rules }
      this.#projects.set(memberships.projectId, followed)
    }
    followed.memberships.add(memberships)
    if (followed.rules !== rules) followed.rules = undefined
    if (isTimed) this.#timed.add(memberships)
  }

  /** There are none any more. */
  delete(memberships: WatchedMemberships): void {
    const followed = this.#projects.get(memberships.projectId)
    followed?.memberships.delete(memberships)
    if (followed?.memberships.size === 0) this.#projects.delete(memberships.projectId)
    this.#timed.delete(memberships)
    this.#toAsk.delete(memberships)
  }

  /** What their rules look at has changed. */
  askSoon(memberships: WatchedMemberships): void {
    this.#toAsk.add(memberships)
  }

  /** Asks those who have to be asked. Called some times a second. */
  async look(now: number): Promise<void> {
    for (const [projectId, followed] of this.#projects) {
      // Who can't be told now is told at the next look.
      const rules = await this.#store.stamp(projectId).catch(() => followed.rules)
      if (rules === followed.rules) continue
      followed.rules = rules
      for (const memberships of followed.memberships) this.#toAsk.add(memberships)
    }
    const asked = this.#toAsk
    this.#toAsk = new Set()
    await inTurns(asked, (memberships) => memberships.reconsider())
    await inTurns(this.#timed, (memberships) => memberships.followClock(now))
  }
}
