import type { LoggedChange } from './logged-change.ts'
import type { Interest, ViewPlan } from './view-plan.ts'

/** A change that matters to a list, and whether the document belonged to it before and after. */
export interface Relevant {
  readonly change: LoggedChange
  readonly before: boolean
  readonly after: boolean
}

/** Undefined if the document belonged neither before nor after. */
export function relevantTo({ collection, matches }: Interest, change: LoggedChange): Relevant | undefined {
  if (change.collection !== collection) return undefined
  const before = change.before !== null && matches(change.before.object)
  const after = change.after !== null && matches(change.after.object)
  return before || after ? { change, before, after } : undefined
}

/** Whether the change may have changed what is shown. */
export function mattersTo({ own, others }: ViewPlan, change: LoggedChange): boolean {
  return [own, ...others].some((interest) => relevantTo(interest, change) !== undefined)
}
