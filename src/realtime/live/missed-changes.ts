import type { ChangeTail } from './change-tail.ts'
import type { Relevant } from './relevance.ts'
import type { ViewPlan } from './view-plan.ts'

/** What those have missed of a list who come back to it together, looked for once for all of them. */
export class MissedChanges {
  readonly #plan: ViewPlan
  readonly #tail: ChangeTail
  #found:
    | { readonly from: number; readonly until: number; readonly relevant: readonly Relevant[] }
    | undefined

  constructor(plan: ViewPlan, tail: ChangeTail) {
    this.#plan = plan
    this.#tail = tail
  }

  /** What has changed of the list after a number, up to where the tail is; undefined if the log can't tell. */
  async since(seq: number): Promise<readonly Relevant[] | undefined> {
    const { history } = this.#tail
    if (!(await history.reach(seq))) return undefined
    const until = this.#tail.position
    const known = this.#found !== undefined && this.#found.from <= seq ? this.#found : undefined
    const newer = history.about(this.#plan.own, known?.until ?? seq)
    if (newer === undefined) return undefined
    this.#found = { from: known?.from ?? seq, until, relevant: [...(known?.relevant ?? []), ...newer] }
    return this.#found.relevant.filter(({ change }) => change.seq > seq)
  }
}
