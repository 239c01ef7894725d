import { setTimeout as sleep } from 'node:timers/promises'
import type { Documents } from '../../documents/documents.ts'
import { toApiError } from '../../platform/problems.ts'
import type { ChangeTail } from './change-tail.ts'
import { earlierStates, maxRewound, rewind, statesSince } from './earlier-states.ts'
import { changeText, cursorText, type KnownTexts, snapshotText } from './list-messages.ts'
import { diffLists, type Entry, type ListChange, ListWindow } from './list-window.ts'
import type { LoggedChange } from './logged-change.ts'
import { placeLogged, readList, type ReadList } from './read-list.ts'
import { mattersTo, type Relevant, relevantTo } from './relevance.ts'
import type { Start, Subscriber } from './subscriber.ts'
import type { ViewPlan } from './view-plan.ts'

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

  join(subscriber: Subscriber, start: Start): void {
    this.#joining.push({ subscriber, start })
    void this.#work()
  }

  leave(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber)
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
    await this.#read([])
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
    try {
      const others: Joining[] = []
      for (const each of joining) if (!(await this.#admitAtOnce(each))) others.push(each)
      if (others.length > 0) await this.#read(others)
    } catch (error) {
      const reason = toApiError(error)
      for (const { subscriber } of joining) {
        if (!this.#subscribers.has(subscriber)) subscriber.fail(reason)
      }
      throw error
    }
  }

  /** Whoever comes back and has missed nothing is there again without a question to the database. */
  async #admitAtOnce(joining: Joining): Promise<boolean> {
    if (!(await this.#hasMissedNothing(joining))) return false
    const cursor = cursorText(this.#tail.position, this.#plan)
    this.#welcome(joining.subscriber, `"changes":[],"cursor":"${cursor}"}`)
    return true
  }

  /** Only where nothing is pending: the view and the subscriber are then at the same place. */
  async #hasMissedNothing({ start }: Joining): Promise<boolean> {
    if (start.kind !== 'since' || this.#plan.kind === 'asked') return false
    // Another node was ahead of this one.
    if (start.seq > this.#tail.position) return false
    const since = await this.#tail.history.since(start.seq)
    const isQuiet = this.#pending.length === 0 && !this.#mustRead
    return isQuiet && since !== undefined && !since.some((change) => relevantTo(this.#plan.own, change))
  }

  #welcome(subscriber: Subscriber, rest: string): void {
    if (subscriber.isOver) return
    this.#subscribers.add(subscriber)
    subscriber.change(rest)
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
  async #read(joining: Joining[]): Promise<void> {
    this.#mustRead = false
    this.#readAt = Date.now()
    const list = await readList(this.#documents, this.#plan, await this.#rowsFor(joining))
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
    for (const { subscriber, start } of joining) await this.#start(subscriber, start, list)
  }

  /** One more than are shown tells whether there are others; some more tell what the list was before. */
  async #rowsFor(joining: readonly Joining[]): Promise<number> {
    let changed = this.#window === undefined ? this.#pending.length : 0
    for (const { start } of joining) {
      if (start.kind !== 'since') continue
      const states = await statesSince(this.#plan, this.#tail.history, start.seq)
      changed = Math.max(changed, states?.size ?? 0)
    }
    return this.#plan.query.limit + Math.min(changed, maxRewound) + 1
  }

  /** What its subscribers were shown, made of what is pending: nothing else has mattered since. */
  #listBefore(list: ReadList): readonly Entry[] | undefined {
    if (this.#subscribers.size === 0) return []
    return rewind(this.#plan, list, earlierStates(this.#plan, this.#pending, list.seq))
  }

  async #start(subscriber: Subscriber, start: Start, list: ReadList): Promise<void> {
    const plan = this.#plan
    const placed = list.placed.slice(0, plan.query.limit)
    if (start.kind === 'nothing') {
      const shown = placed.map(({ document }) => document)
      const text = await snapshotText(this.#documents, plan, shown, list.seq, list.texts)
      if (subscriber.isOver) return
      subscriber.snapshot(text)
      this.#subscribers.add(subscriber)
      return
    }
    const from = start.kind === 'list' ? start.entries : await this.#listSince(start.seq, list)
    if (from === undefined) return subscriber.resync()
    const changes = diffLists(from, placed)
    this.#welcome(subscriber, await changeText(this.#documents, plan, changes, list.seq, list.texts))
  }

  /** The list as it was after a change; undefined if that can't be told. */
  async #listSince(seq: number, list: ReadList): Promise<readonly Entry[] | undefined> {
    const { history } = this.#tail
    if (this.#plan.kind === 'followed') {
      const states = seq > list.seq ? undefined : await statesSince(this.#plan, history, seq, list.seq)
      return states && rewind(this.#plan, list, states)
    }
    const since = await history.since(seq)
    const isTheSame = since?.every((change) => change.seq > list.seq || !mattersTo(this.#plan, change))
    return isTheSame === true && !this.#plan.isPolled
      ? list.placed.slice(0, this.#plan.query.limit).map(({ entry }) => entry)
      : undefined
  }

  #resyncAll(): void {
    const all = [...this.#subscribers]
    this.#subscribers.clear()
    for (const subscriber of all) subscriber.resync()
  }

  async #tell(changes: readonly ListChange[], seq: number, known?: KnownTexts): Promise<void> {
    if (changes.length === 0 || this.#subscribers.size === 0) return
    const rest = await changeText(this.#documents, this.#plan, changes, seq, known)
    for (const subscriber of this.#subscribers) subscriber.change(rest)
  }
}
