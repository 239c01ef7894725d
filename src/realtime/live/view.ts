import { setTimeout as sleep } from 'node:timers/promises'
import type { StoredDocument } from '../../documents/committer/planned-write.ts'
import type { Documents } from '../../documents/documents.ts'
import { selectListAt } from '../../documents/reading/live-query.ts'
import { presentDocuments } from '../../documents/reading/present-documents.ts'
import { documentObject, documentText } from '../../documents/stored-document.ts'
import type { ApiError } from '../../platform/errors.ts'
import { toApiError } from '../../platform/problems.ts'
import { keysOfDocument } from '../../query/sort-documents.ts'
import type { ChangeTail } from './change-tail.ts'
import {
  diffLists,
  type EarlierState,
  type Entry,
  type ListChange,
  ListWindow,
  type PlacedDocument,
  rewindList,
} from './list-window.ts'
import type { LoggedChange, LoggedDocument } from './logged-change.ts'
import { mattersTo, type Relevant, relevantTo } from './relevance.ts'
import type { Interest, ViewPlan } from './view-plan.ts'

/** Somebody who follows a view. The texts are what stands between `id` and `cursor` in a message. */
export interface Subscriber {
  /** Whether it has gone; it is told nothing more. */
  readonly isOver: boolean
  snapshot(text: string, cursor: string): void
  change(text: string, cursor: string): void
  /** What was shown can't be brought up to date: the subscription is over. */
  resync(): void
  fail(error: ApiError): void
}

/** What a subscriber has already: nothing, the list as it was after a change, or a list that came from another view. */
export type Start =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'since'; readonly seq: number }
  | { readonly kind: 'list'; readonly entries: readonly Entry[] }

interface Joining {
  readonly subscriber: Subscriber
  readonly start: Start
}

interface ReadList {
  readonly seq: number
  readonly placed: readonly PlacedDocument[]
  /** Of `placed`, those beyond the limit serve to tell what the list was before. */
  readonly isAll: boolean
  readonly texts: Map<StoredDocument, string>
}

/** For whoever only gets a newer cursor. */
export const noChanges = '"changes":[]'

// More would take longer to go through than to send the list anew.
const maxRewound = 2_000
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
  /** What those who come back together have missed, so that it is looked for once. Only while they are admitted. */
  #past: { readonly from: number; until: number; readonly relevant: Relevant[] } | undefined

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
    return this.#cursorAt(this.#tail.position)
  }

  #cursorAt(seq: number): string {
    return `${seq}.${this.#plan.fingerprint}`
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

  /** Whoever comes back and has missed nothing is there again without a question to the database. */
  async #admit(): Promise<void> {
    const joining = this.#joining.splice(0)
    try {
      const others: Joining[] = []
      for (const each of joining) {
        if (!(await this.#hasMissedNothing(each))) others.push(each)
        else this.#welcome(each.subscriber, noChanges, this.#tail.position)
      }
      if (others.length > 0) await this.#read(others)
    } catch (error) {
      const reason = toApiError(error)
      for (const { subscriber } of joining) {
        if (!this.#subscribers.has(subscriber)) subscriber.fail(reason)
      }
      throw error
    } finally {
      this.#past = undefined
    }
  }

  /** Only where nothing is pending: the view and the subscriber are then at the same place. */
  async #hasMissedNothing({ start }: Joining): Promise<boolean> {
    if (start.kind !== 'since' || this.#plan.kind === 'asked') return false
    // Another node was ahead of this one.
    if (start.seq > this.#tail.position) return false
    const missed = await this.#relevantSince(start.seq)
    const isQuiet = this.#pending.length === 0 && !this.#mustRead
    return isQuiet && missed?.length === 0
  }

  /** What has changed of the list after a number, up to where the tail is; undefined if the log can't tell. */
  async #relevantSince(seq: number): Promise<readonly Relevant[] | undefined> {
    const { history } = this.#tail
    if (!(await history.reach(seq))) return undefined
    const { position } = this.#tail
    const { own } = this.#plan
    if (this.#past === undefined || seq < this.#past.from) {
      this.#past = { from: seq, until: position, relevant: history.about(own, seq) }
    } else if (this.#past.until < position) {
      this.#past.relevant.push(...history.about(own, this.#past.until))
      this.#past.until = position
    }
    return this.#past.relevant.filter(({ change }) => change.seq > seq)
  }

  #welcome(subscriber: Subscriber, text: string, seq: number): void {
    if (subscriber.isOver) return
    this.#subscribers.add(subscriber)
    subscriber.change(text, this.#cursorAt(seq))
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
      const placed = after && change.after !== null ? this.#place(change.after) : null
      const steps = this.#window.apply(change.id, placed)
      if (steps === undefined) {
        // What follows is part of what is read now.
        this.#mustRead = true
        seq = change.seq - 1
        break
      }
      changes.push(...steps)
    }
    await this.#tell(changes, seq, new Map())
  }

  #place(document: LoggedDocument): PlacedDocument {
    return this.#placeAt(document.stored, keysOfDocument(this.#plan.query.sort, document.object))
  }

  #placeAt(document: StoredDocument, keys: Entry['keys'], mark = markOf(document)): PlacedDocument {
    return { entry: { id: document.id, keys, mark }, document }
  }

  /** Reads the list, and brings everybody to where it stands: those who are there and those who come. */
  async #read(joining: Joining[]): Promise<void> {
    this.#mustRead = false
    this.#readAt = Date.now()
    const list = await this.#readFor(joining)
    const { limit } = this.#plan.query
    const placed = list.placed.slice(0, limit)
    const from = this.#window?.entries ?? this.#rewind(list, this.#statesUntil(list.seq))
    const hasMore = list.placed.length > limit || !list.isAll
    const entries = placed.map(({ entry }) => entry)
    this.#window = new ListWindow(this.#plan.compare, limit, entries, hasMore)
    this.#pending = this.#pending.filter(({ change }) => change.seq > list.seq)
    if (this.#subscribers.size > 0) {
      if (from === undefined) this.#resyncAll()
      else await this.#tell(diffLists(from, placed), list.seq, list.texts)
    }
    for (const { subscriber, start } of joining) await this.#start(subscriber, start, list, placed)
  }

  /** Reads some documents more than the list has, if what they were before is asked for. */
  async #readFor(joining: readonly Joining[]): Promise<ReadList> {
    const { limit } = this.#plan.query
    let extra = this.#window === undefined ? this.#pending.length : 0
    for (const { start } of joining) {
      if (start.kind === 'since') extra = Math.max(extra, (await this.#statesSince(start.seq))?.size ?? 0)
    }
    const rows = limit + Math.min(extra, maxRewound) + 1
    const { seq, documents } = await selectListAt(
      this.#documents,
      this.#plan.caller,
      this.#plan.collection,
      this.#plan.query,
      rows,
    )
    await this.#tail.reach(seq)
    return { seq, isAll: documents.length < rows, ...(await this.#placeAll(documents)) }
  }

  async #placeAll(documents: StoredDocument[]): Promise<Pick<ReadList, 'placed' | 'texts'>> {
    const { query, kind } = this.#plan
    // Rules of fields may show more or less of a document that has not changed.
    const isMarkedByText = kind === 'asked' && query.guarded.length > 0
    const shown = isMarkedByText ? await this.#textsOf(documents) : undefined
    const texts = new Map(documents.flatMap((document, at) => pair(document, shown?.[at])))
    const placed = documents.map((document) => {
      const keys = keysOfDocument(query.sort, documentObject(document))
      return this.#placeAt(document, keys, texts.get(document))
    })
    return { placed, texts }
  }

  async #start(
    subscriber: Subscriber,
    start: Start,
    list: ReadList,
    placed: readonly PlacedDocument[],
  ): Promise<void> {
    if (start.kind === 'nothing') {
      const documents = await this.#textsOf(
        placed.map(({ document }) => document),
        list.texts,
      )
      if (subscriber.isOver) return
      subscriber.snapshot(`"documents":[${documents.join(',')}]`, this.#cursorAt(list.seq))
      this.#subscribers.add(subscriber)
      return
    }
    const from = start.kind === 'list' ? start.entries : await this.#listSince(start.seq, list)
    if (from === undefined) subscriber.resync()
    else this.#welcome(subscriber, await this.#changeText(diffLists(from, placed), list.texts), list.seq)
  }

  /** The list as it was after a change; undefined if that can't be told. */
  async #listSince(seq: number, list: ReadList): Promise<readonly Entry[] | undefined> {
    if (this.#plan.kind === 'followed') {
      const states = seq > list.seq ? undefined : await this.#statesSince(seq, list.seq)
      return states === undefined ? undefined : this.#rewind(list, states)
    }
    const { history } = this.#tail
    const isTold = !this.#plan.isPolled && (await history.reach(seq))
    const isTheSame = (interest: Interest): boolean =>
      history.about(interest, seq).every(({ change }) => change.seq > list.seq)
    return isTold && [this.#plan.own, ...this.#plan.others].every(isTheSame)
      ? list.placed.slice(0, this.#plan.query.limit).map(({ entry }) => entry)
      : undefined
  }

  #rewind({ placed, isAll }: ReadList, states: ReadonlyMap<string, EarlierState>): Entry[] | undefined {
    const { compare, query } = this.#plan
    const now = placed.map(({ entry }) => entry)
    return rewindList(now, isAll, states, compare, query.limit)
  }

  /** What documents were that changed after a number; undefined if the log can't tell, or there are too many. */
  async #statesSince(
    seq: number,
    until = Number.POSITIVE_INFINITY,
  ): Promise<ReadonlyMap<string, EarlierState> | undefined> {
    const relevant = await this.#relevantSince(seq)
    const states = relevant && this.#earlierStates(relevant, until)
    return states !== undefined && states.size <= maxRewound ? states : undefined
  }

  #statesUntil(until: number): ReadonlyMap<string, EarlierState> {
    return this.#earlierStates(this.#pending, until)
  }

  #earlierStates(relevant: readonly Relevant[], until: number): Map<string, EarlierState> {
    const states = new Map<string, EarlierState>()
    for (const { change, before } of relevant) {
      if (change.seq > until || states.has(change.id)) continue
      const placed = before && change.before !== null ? this.#place(change.before) : null
      states.set(change.id, { id: change.id, before: placed })
    }
    return states
  }

  #resyncAll(): void {
    const all = [...this.#subscribers]
    this.#subscribers.clear()
    for (const subscriber of all) subscriber.resync()
  }

  async #tell(
    changes: readonly ListChange[],
    seq: number,
    texts: ReadonlyMap<StoredDocument, string>,
  ): Promise<void> {
    if (changes.length === 0) return
    const text = await this.#changeText(changes, texts)
    const cursor = this.#cursorAt(seq)
    for (const subscriber of this.#subscribers) subscriber.change(text, cursor)
  }

  async #changeText(
    changes: readonly ListChange[],
    texts: ReadonlyMap<StoredDocument, string>,
  ): Promise<string> {
    const documents = changes.flatMap((change) => (change.kind === 'removed' ? [] : [change.document]))
    const shown = await this.#textsOf(documents, texts)
    let next = 0
    const steps = changes.map((change) =>
      change.kind === 'removed'
        ? `{"kind":"removed","document":{"id":${JSON.stringify(change.id)}}}`
        : `{"kind":"${change.kind}","index":${change.index},"document":${shown[next++]}}`,
    )
    return `"changes":[${steps.join(',')}]`
  }

  /** Documents as their readers may see them. Mostly that is the stored text. */
  async #textsOf(
    documents: readonly StoredDocument[],
    known: ReadonlyMap<StoredDocument, string> = new Map(),
  ): Promise<string[]> {
    const { caller, collection, query } = this.#plan
    const { guarded, fields } = query
    if (guarded.length === 0 && fields === undefined) return documents.map(documentText)
    const unknown = documents.filter((document) => !known.has(document))
    const shown = await presentDocuments(
      this.#documents,
      this.#documents.services.db,
      caller,
      collection,
      unknown.map(documentObject),
      { guarded, fields, include: new Map() },
    )
    const made = new Map(unknown.map((document, at) => [document, JSON.stringify(shown[at])]))
    return documents.map((document) => known.get(document) ?? made.get(document) ?? '')
  }
}

/** Two states of a document under one id differ in it, also when it was deleted and made anew in between. */
function markOf({ version, createdAt }: StoredDocument): string {
  return `${version} ${createdAt}`
}

function pair<K, V>(key: K, value: V | undefined): [K, V][] {
  return value === undefined ? [] : [[key, value]]
}
