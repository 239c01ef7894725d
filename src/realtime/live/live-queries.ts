import type { Caller } from '../../documents/caller.ts'
import type { Documents } from '../../documents/documents.ts'
import { invalidValue } from '../../platform/errors.ts'
import { toApiError } from '../../platform/problems.ts'
import type { SubscribeMessage } from '../client-message.ts'
import type { ProjectHub } from './project-hub.ts'
import { Subscription, type SubscriptionOwner } from './subscription.ts'
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
export class LiveQueries implements SubscriptionOwner {
  readonly #documents: Documents
  readonly #reader: Reader
  readonly #subscriptions = new Map<string, Subscription>()
  #unanswered = 0
  /** What waits for answers; messages come one after the other, so there is one. */
  #goOn: (() => void) | undefined
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
    const { project } = this.#reader.caller()
    // Nobody begins to follow a project for what is not there.
    await this.#documents.catalog.get(project, name)
    const hub = await this.#reader.hub()
    const collection = await this.#documents.catalog.get(project, name)
    if (this.#isClosed) return
    // From here on without a pause: rights and rules that change are followed by those who are in the list.
    const plan = planView(this.#documents, this.#reader.caller(), collection, input)
    const subscription = new Subscription(id, collection.name, input, this)
    this.#subscriptions.set(id, subscription)
    this.#unanswered++
    const start = startOf(cursor, plan)
    if (start === undefined) subscription.resync()
    else subscription.follow(hub.viewOf(plan), start)
    if (this.#unanswered >= maxUnanswered) await new Promise<void>((resolve) => (this.#goOn = resolve))
  }

  send(text: string): void {
    this.#reader.send(text)
  }

  answered(): void {
    this.#unanswered--
    this.#goOn?.()
    this.#goOn = undefined
  }

  ended(subscription: Subscription): void {
    if (this.#subscriptions.get(subscription.id) === subscription) this.#subscriptions.delete(subscription.id)
  }

  unsubscribe(id: string): void {
    this.#subscriptions.get(id)?.stop()
  }

  /** Looks at everything again, after the reader's rights have changed. */
  async reconsiderAll(): Promise<void> {
    for (const subscription of this.#subscriptions.values()) await this.reconsider(subscription)
  }

  /** After the reader's rights, or the rules, have changed: another view may be the right one. */
  async reconsider(subscription: Subscription): Promise<void> {
    const old = subscription.view
    if (old === undefined || subscription.isOver) return
    try {
      const hub = await this.#reader.hub()
      const plan = await this.#planAgain(subscription, old)
      // Meanwhile somebody else may have moved it.
      if (subscription.isOver || subscription.view !== old) return
      if (plan.fingerprint !== old.plan.fingerprint) move(subscription, old, hub.viewOf(plan), plan)
      else if (plan.collection !== old.plan.collection) old.replan(plan)
    } catch (error) {
      const reason = toApiError(error)
      // What may pass is looked at again at the next turn.
      if (reason.status >= 500) return
      takeAway(subscription, old)
      subscription.fail(reason)
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

  /** At the time that the old plan knows, so that the clock alone makes no difference. */
  async #planAgain({ collection, input }: Subscription, old: View): Promise<ViewPlan> {
    const declared = await this.#documents.catalog.get(old.plan.caller.project, collection)
    const caller = this.#reader.caller()
    const request = { ...caller.request, time: old.plan.caller.request.time }
    return planView(this.#documents, { ...caller, request }, declared, input)
  }
}

function move(subscription: Subscription, old: View, view: View, plan: ViewPlan): void {
  const entries = old.shownList
  // Where other fields are shown, no document is as it was.
  const isSameShape = plan.shownAs === old.plan.shownAs && plan.kind === old.plan.kind
  const shown = isSameShape ? entries : entries?.map((entry) => ({ ...entry, mark: '' }))
  const start: Start = shown === undefined ? { kind: 'nothing' } : { kind: 'list', entries: [...shown] }
  subscription.follow(view, start)
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
  subscription.change(`"changes":[${changes.join(',')}]`, `0.${plan.fingerprint}`)
}
