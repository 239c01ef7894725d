import { setTimeout as sleep } from 'node:timers/promises'
import type { Documents } from '../../documents/documents.ts'
import { toApiError } from '../../platform/problems.ts'
import type { ChangeTail } from './change-tail.ts'
import { earlierStates, maxRewound, rewind, statesSince } from './earlier-states.ts'
import { changeText, cursorText, type KnownTexts, noChanges, snapshotText } from './list-messages.ts'
import { diffLists, type Entry, type ListChange, ListWindow } from './list-window.ts'
import type { LoggedChange } from './logged-change.ts'
import { MissedChanges } from './missed-changes.ts'
import { placeLogged, readList, type ReadList } from './read-list.ts'
import { mattersTo, type Relevant, relevantTo } from './relevance.ts'
import type { Start, Subscriber } from './subscriber.ts'
import type { Interest, ViewPlan } from './view-plan.ts'

interface Joining {
  readonly subscriber: Subscriber
  readonly start: Start
}

const maxReadFailures = 5
const retryReadAfterMs = 500
// Where PostgreSQL is asked after changes, many changes make one question.
const askAgainAfterMs = 100

/**
 * One list that any number of subscribers follow: those whose query, rules and rights come to the same. Every change
 * is matched once, and every message is made once.
 *
 * Between two messages a view knows which documents it has shown (`#window`), or that nothing has mattered since it was
 * last told (`#window` undefined, after a reconnect): then the log tells what the list was.
 */
export class View {
  readonly #documents: Documents
  readonly #tail: ChangeTail
  readonly #deserted: () => void
  readonly #subscribers = new Set<Subscriber>()
  #plan: ViewPlan
  #window: ListWindow | undefined
  #pending: Relevant[] = []
  #joining: Joining[] = []
  /** Who is in neither of these lists while the first answer is made, and has not left meanwhile. */
  #admitting: Set<Subscriber> | undefined
  #mustRead = false
  #isWorking = false
  #failures = 0
  #readAt = 0

  /** @param deserted is called when the last subscriber has gone */
  constructor(documents: Documents, tail: ChangeTail, plan: ViewPlan, deserted: () => void) {
    this.#documents = documents
    this.#tail = tail
    this.#plan = plan
    this.#deserted = deserted
  }

  get plan(): ViewPlan {
    return this.#plan
  }

  /** What its subscribers have been shown; undefined if that is not known at this moment. */
  get shownList(): readonly Entry[] | undefined {
    return this.#isWorking ? undefined : this.#window?.entries
  }

  /** Everybody from joining to leaving. */
  everybody(): ReadonlySet<Subscriber> {
    const joining = this.#joining.map(({ subscriber }) => subscriber)
    return new Set([...this.#subscribers, ...joining, ...(this.#admitting ?? [])])
  }

  join(subscriber: Subscriber, start: Start): void {
    this.#joining.push({ subscriber, start })
    void this.#work()
  }

  leave(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber)
    this.#admitting?.delete(subscriber)
    this.#joining = this.#joining.filter((joining) => joining.subscriber !== subscriber)
    this.#tellIfDeserted()
  }

  #hasNobody(): boolean {
    return this.#subscribers.size === 0 && this.#joining.length === 0
  }

  /** Those who are just being admitted are in neither list. */
  #tellIfDeserted(): void {
    if (!this.#isWorking && this.#hasNobody()) this.#deserted()
  }

  /** A change of the list's collection, or of one that it looks at. Call `settle` after the last one of a batch. */
  hear(change: LoggedChange): void {
    if (this.#plan.kind === 'asked') {
      this.#mustRead ||= mattersTo(this.#plan, change)
      return
    }
    const relevant = relevantTo(this.#plan.own, change)
    if (relevant !== undefined) this.#pending.push(relevant)
  }

  settle(): void {
    if (this.#pending.length > 0 || this.#mustRead) void this.#work()
  }

  /** The same list under the present time, or after a change of the collection that changes nothing of it. */
  replan(plan: ViewPlan): void {
    this.#plan = plan
    if (plan.kind !== 'asked') return
    this.#mustRead = true
    void this.#work()
  }

  /** The log has a gap. */
  lose(): void {
    this.#window = undefined
    this.#pending = []
    for (const subscriber of this.#takeAll()) subscriber.resync()
    this.#tellIfDeserted()
  }

  /** Up to which change its subscribers have been told everything. Undefined while they are being told. */
  cursor(): string | undefined {
    if (this.#isWorking || this.#pending.length > 0 || this.#mustRead) return undefined
    return cursorText(this.#tail.position, this.#plan)
  }

  #takeAll(): Subscriber[] {
    const all = [...this.#subscribers, ...this.#joining.map(({ subscriber }) => subscriber)]
    this.#subscribers.clear()
    this.#joining = []
    return all
  }

  /** One step after the other, until nothing is left to do. */
  async #work(): Promise<void> {
    if (this.#isWorking) return
    this.#isWorking = true
    try {
      while (!this.#hasNobody()) {
        if (this.#joining.length > 0) await this.#admit()
        else if (this.#mustRead) await this.#readAgain()
        else if (this.#pending.length > 0) await this.#takePending()
        else break
        this.#failures = 0
      }
    } catch (error) {
      await this.#recover(error)
    } finally {
      this.#isWorking = false
    }
    if (this.#mustRead && !this.#hasNobody()) void this.#work()
    else this.#tellIfDeserted()
  }

  async #readAgain(): Promise<void> {
    const waitMs = this.#plan.kind === 'asked' ? this.#readAt + askAgainAfterMs - Date.now() : 0
    if (waitMs > 0) await sleep(waitMs)
    await this.#read()
  }

  async #recover(error: unknown): Promise<void> {
    this.#failures++
    this.#mustRead = true
    if (this.#failures < maxReadFailures) {
      await sleep(retryReadAfterMs * this.#failures)
      return
    }
    const reason = toApiError(error)
    for (const subscriber of this.#takeAll()) subscriber.fail(reason)
  }

  async #admit(): Promise<void> {
    const joining = this.#joining.splice(0)
    this.#admitting = new Set(joining.map(({ subscriber }) => subscriber))
    const missed = new MissedChanges(this.#plan, this.#tail)
    try {
      const others: Joining[] = []
      for (const each of joining) if (!(await this.#admitAtOnce(each, missed))) others.push(each)
      if (others.length > 0) await this.#read(others, missed)
    } catch (error) {
      const reason = toApiError(error)
      for (const { subscriber } of joining) {
        if (this.#isExpected(subscriber)) subscriber.fail(reason)
      }
      throw error
    } finally {
      this.#admitting = undefined
    }
  }

  /** Whoever comes back and has missed nothing is there again without a question to the database. */
  async #admitAtOnce(joining: Joining, missed: MissedChanges): Promise<boolean> {
    if (!(await this.#hasMissedNothing(joining, missed))) return false
    this.#welcome(joining.subscriber, noChanges, this.#tail.position)
    return true
  }

  /** Only where nothing is pending: the view and the subscriber are then at the same place. */
  async #hasMissedNothing({ start }: Joining, missed: MissedChanges): Promise<boolean> {
    if (start.kind !== 'since' || this.#plan.kind === 'asked') return false
    // Another node was ahead of this one.
    if (start.seq > this.#tail.position) return false
    const relevant = await missed.since(start.seq)
    const isQuiet = this.#pending.length === 0 && !this.#mustRead
    return isQuiet && relevant?.length === 0
  }

  #welcome(subscriber: Subscriber, text: string, seq: number): void {
    if (!this.#isExpected(subscriber)) return
    this.#admitting?.delete(subscriber)
    this.#subscribers.add(subscriber)
    subscriber.change(text, cursorText(seq, this.#plan))
  }

  /** Not if it has left while its answer was made: for good, or for another view since it may not see this one any more. */
  #isExpected(subscriber: Subscriber): boolean {
    return this.#admitting?.has(subscriber) === true
  }

  async #takePending(): Promise<void> {
    if (this.#window === undefined) {
      this.#mustRead = true
      return
    }
    const pending = this.#pending.splice(0)
    let seq = this.#tail.position
    const changes: ListChange[] = []
    for (const { change, after } of pending) {
      const placed = after && change.after !== null ? placeLogged(this.#plan, change.after) : null
      const steps = this.#window.apply(change.id, placed)
      if (steps === undefined) {
        // What follows is part of what is read now.
        this.#mustRead = true
        seq = change.seq - 1
        break
      }
      changes.push(...steps)
    }
    await this.#tell(changes, seq)
  }

  /** Reads the list, and brings everybody to where it stands: those who are there and those who come. */
  async #read(
    joining: readonly Joining[] = [],
    missed: MissedChanges = new MissedChanges(this.#plan, this.#tail),
  ): Promise<void> {
    this.#mustRead = false
    this.#readAt = Date.now()
    const list = await readList(this.#documents, this.#plan, await this.#rowsFor(joining, missed))
    await this.#tail.reach(list.seq)
    const from = this.#window?.entries ?? this.#listBefore(list)
    this.#pending = this.#pending.filter(({ change }) => change.seq > list.seq)
    const { compare, query } = this.#plan
    const placed = list.placed.slice(0, query.limit)
    const hasMore = list.placed.length > query.limit || !list.isAll
    const entries = placed.map(({ entry }) => entry)
    this.#window = new ListWindow(compare, query.limit, entries, hasMore)
    if (from === undefined) this.#resyncAll()
    else await this.#tell(diffLists(from, placed), list.seq, list.texts)
    for (const each of joining) await this.#start(each, list, missed)
  }

  /** One more than are shown tells whether there are others; some more tell what the list was before. */
  async #rowsFor(joining: readonly Joining[], missed: MissedChanges): Promise<number> {
    let changed = this.#window === undefined ? this.#pending.length : 0
    for (const { start } of joining) {
      if (start.kind !== 'since') continue
      const states = await statesSince(this.#plan, missed, start.seq)
      changed = Math.max(changed, states?.size ?? 0)
    }
    return this.#plan.query.limit + Math.min(changed, maxRewound) + 1
  }

  /** What its subscribers were shown, made of what is pending: nothing else has mattered since. */
  #listBefore(list: ReadList): readonly Entry[] | undefined {
    if (this.#subscribers.size === 0) return []
    return rewind(this.#plan, list, earlierStates(this.#plan, this.#pending, list.seq))
  }

  async #start({ subscriber, start }: Joining, list: ReadList, missed: MissedChanges): Promise<void> {
    const plan = this.#plan
    const placed = list.placed.slice(0, plan.query.limit)
    if (start.kind === 'nothing') {
      const shown = placed.map(({ document }) => document)
      const text = await snapshotText(this.#documents, plan, shown, list.texts)
      if (!this.#isExpected(subscriber)) return
      this.#admitting?.delete(subscriber)
      this.#subscribers.add(subscriber)
      subscriber.snapshot(text, cursorText(list.seq, plan))
      return
    }
    const from = start.kind === 'list' ? start.entries : await this.#listSince(start.seq, list, missed)
    if (!this.#isExpected(subscriber)) return
    if (from === undefined) return subscriber.resync()
    const changes = diffLists(from, placed)
    this.#welcome(subscriber, await changeText(this.#documents, plan, changes, list.texts), list.seq)
  }

  /** The list as it was after a change; undefined if that can't be told. */
  async #listSince(
    seq: number,
    list: ReadList,
    missed: MissedChanges,
  ): Promise<readonly Entry[] | undefined> {
    const { kind, own, others, isPolled, query } = this.#plan
    if (kind === 'followed') {
      const states = seq > list.seq ? undefined : await statesSince(this.#plan, missed, seq, list.seq)
      return states && rewind(this.#plan, list, states)
    }
    const { history } = this.#tail
    const isTold = !isPolled && (await history.reach(seq))
    const isTheSame = (interest: Interest): boolean =>
      history.about(interest, seq)?.every(({ change }) => change.seq > list.seq) === true
    return isTold && [own, ...others].every(isTheSame)
      ? list.placed.slice(0, query.limit).map(({ entry }) => entry)
      : undefined
  }

  #resyncAll(): void {
    const all = [...this.#subscribers]
    this.#subscribers.clear()
    for (const subscriber of all) subscriber.resync()
  }

  async #tell(changes: readonly ListChange[], seq: number, known?: KnownTexts): Promise<void> {
    if (changes.length === 0 || this.#subscribers.size === 0) return
    const text = await changeText(this.#documents, this.#plan, changes, known)
    const cursor = cursorText(seq, this.#plan)
    for (const subscriber of this.#subscribers) subscriber.change(text, cursor)
  }
}
