import type { Caller } from '../../documents/caller.ts'
import type { Documents } from '../../documents/documents.ts'
import { invalidValue } from '../../platform/errors.ts'
import { toApiError } from '../../platform/problems.ts'
import type { SubscribeMessage } from '../client-message.ts'
import type { ProjectHub } from './project-hub.ts'
import { Subscription } from './subscription.ts'
import type { Start } from './subscriber.ts'
import type { View } from './view.ts'
import { planView, type ViewPlan } from './view-plan.ts'

/** Who reads, as of now. */
export interface Reader {
  send(text: string): void
  /** Throws if nobody is known yet, or if this actor may not read documents at all. */
  caller(): Caller
  hub(): Promise<ProjectHub>
}

// So many first answers may be under way; the next subscription waits. A reader that asks for a hundred long lists
// gets them at its own pace.
const maxUnanswered = 8

/** The live queries of one socket. */
export class LiveQueries {
  readonly #documents: Documents
  readonly #reader: Reader
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #unanswered = new Set<Promise<void>>()
  #isClosed = false

  constructor(documents: Documents, reader: Reader) {
    this.#documents = documents
    this.#reader = reader
  }

  get size(): number {
    return this.#subscriptions.size
  }

  has(id: string): boolean {
    return this.#subscriptions.has(id)
  }

  /** Throws what is wrong with the query. */
  async subscribe(message: SubscribeMessage): Promise<void> {
    const { id, collection: name, cursor } = message
    const input = inputOf(message)
    const caller = this.#reader.caller()
    const collection = await this.#documents.catalog.get(caller.project, name)
    const plan = planView(this.#documents, caller, collection, input)
    const hub = await this.#reader.hub()
    if (this.#isClosed) return
    const subscription: Subscription = new Subscription(id, name, input, {
      send: (text) => this.#reader.send(text),
      ended: (ended) => {
        if (this.#subscriptions.get(id) === ended) this.#subscriptions.delete(id)
      },
    })
    this.#subscriptions.set(id, subscription)
    const start = startOf(cursor, plan)
    if (start === undefined) subscription.resync()
    else subscription.follow(hub.viewOf(plan), start)
    await this.#waitForAnswers(subscription)
  }

  unsubscribe(id: string): void {
    this.#subscriptions.get(id)?.stop()
  }

  /** Looks at everything again: after the reader's rights, or the rules, have changed. */
  async reconsider(): Promise<void> {
    for (const subscription of this.#subscriptions.values()) await this.#reconsider(subscription)
  }

  /** Looks only at those whose collections were declared anew. */
  async followRules(): Promise<void> {
    for (const subscription of this.#subscriptions.values()) {
      const plan = subscription.view?.plan
      if (plan === undefined) continue
      const declared = await this.#documents.catalog.find(plan.caller.project, subscription.collection)
      if (declared !== plan.collection) await this.#reconsider(subscription)
    }
  }

  tellCursors(): void {
    for (const subscription of this.#subscriptions.values()) subscription.tellCursor()
  }

  /** Ends all without a word; returns their ids. */
  stopAll(): string[] {
    const ids = [...this.#subscriptions.keys()]
    for (const subscription of this.#subscriptions.values()) subscription.stop()
    return ids
  }

  /** For good: the socket is gone. */
  close(): void {
    this.#isClosed = true
    this.stopAll()
  }

  async #reconsider(subscription: Subscription): Promise<void> {
    const old = subscription.view
    if (old === undefined || subscription.isOver) return
    try {
      const plan = await this.#planAgain(subscription, old)
      if (plan.fingerprint !== old.plan.fingerprint) await this.#move(subscription, old, plan)
      else if (plan.collection !== old.plan.collection) old.replan(plan)
    } catch (error) {
      const reason = toApiError(error)
      // What may pass is looked at again at the next turn.
      if (reason.status >= 500) return
      takeAway(subscription, old)
      subscription.fail(reason)
    }
  }

  /** At the time that the old plan knows, so that the clock alone makes no difference. */
  async #planAgain({ collection, input }: Subscription, old: View): Promise<ViewPlan> {
    const caller = this.#reader.caller()
    const request = { ...caller.request, time: old.plan.caller.request.time }
    const declared = await this.#documents.catalog.get(caller.project, collection)
    return planView(this.#documents, { ...caller, request }, declared, input)
  }

  async #move(subscription: Subscription, old: View, plan: ViewPlan): Promise<void> {
    const hub = await this.#reader.hub()
    if (subscription.isOver) return
    const entries = old.shownList
    // Where other fields are shown, no document is as it was.
    const isSameShape = plan.shownAs === old.plan.shownAs && plan.kind === old.plan.kind
    const shown = isSameShape ? entries : entries?.map((entry) => ({ ...entry, mark: '' }))
    const start: Start = shown === undefined ? { kind: 'nothing' } : { kind: 'list', entries: [...shown] }
    subscription.follow(hub.viewOf(plan), start)
  }

  async #waitForAnswers(subscription: Subscription): Promise<void> {
    const answered = subscription.answered.then(() => void this.#unanswered.delete(answered))
    this.#unanswered.add(answered)
    while (this.#unanswered.size >= maxUnanswered) await Promise.race(this.#unanswered)
  }
}

function inputOf({ where, sort, limit, fields, document }: SubscribeMessage): Subscription['input'] {
  if (document !== undefined) {
    const extra = Object.entries({ where, sort, limit }).find(([, value]) => value !== undefined)
    if (extra !== undefined) throw invalidValue(extra[0], 'does not go with document', 'not_allowed_here')
  }
  return {
    ...(where !== undefined && { where }),
    ...(sort !== undefined && { sort }),
    ...(limit !== undefined && { limit }),
    ...(fields !== undefined && { fields }),
    ...(document !== undefined && { document }),
  }
}

/** Undefined for a cursor that is none of this view's. */
function startOf(cursor: string | undefined, plan: ViewPlan): Start | undefined {
  if (cursor === undefined) return { kind: 'nothing' }
  const [, digits = '', fingerprint] = /^(\d{1,15})\.([\w-]{1,64})$/.exec(cursor) ?? []
  return fingerprint === plan.fingerprint ? { kind: 'since', seq: Number(digits) } : undefined
}

/** The reader was shown these, and may see them no more. */
function takeAway(subscription: Subscription, { shownList, plan }: View): void {
  if (shownList === undefined || shownList.length === 0) return
  const changes = shownList.map(({ id }) => `{"kind":"removed","document":{"id":${JSON.stringify(id)}}}`)
  subscription.change(`"changes":[${changes.join(',')}],"cursor":"0.${plan.fingerprint}"}`)
}
