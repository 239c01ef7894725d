import type { ChangeHistory } from './change-history.ts'
import { type EarlierState, type Entry, rewindList } from './list-window.ts'
import { placeLogged, type ReadList } from './read-list.ts'
import { type Relevant, relevantTo } from './relevance.ts'
import type { ViewPlan } from './view-plan.ts'

/** What documents were before they changed, each once, by id. */
export type EarlierStates = ReadonlyMap<string, EarlierState>

// More would take longer to go through than to send the list anew.
export const maxRewound = 2_000

/** @param relevant in the order of the log; what is behind `until` does not count */
export function earlierStates(plan: ViewPlan, relevant: readonly Relevant[], until: number): EarlierStates {
  const states = new Map<string, EarlierState>()
  for (const { change, before } of relevant) {
    if (change.seq > until || states.has(change.id)) continue
    const placed = before && change.before !== null ? placeLogged(plan, change.before) : null
    states.set(change.id, { id: change.id, before: placed })
  }
  return states
}

/** What documents were that changed after a number; undefined if the log can't tell, or there are too many. */
export async function statesSince(
  plan: ViewPlan,
  history: ChangeHistory,
  seq: number,
  until = Number.POSITIVE_INFINITY,
): Promise<EarlierStates | undefined> {
  const since = await history.since(seq)
  const relevant = since?.flatMap((change) => relevantTo(plan.own, change) ?? [])
  const states = relevant && earlierStates(plan, relevant, until)
  return states !== undefined && states.size <= maxRewound ? states : undefined
}

/** The list before; undefined if more had to be read to tell it. */
export function rewind(
  { compare, query }: ViewPlan,
  { placed, isAll }: ReadList,
  states: EarlierStates,
): Entry[] | undefined {
  const now = placed.map(({ entry }) => entry)
  return rewindList(now, isAll, states, compare, query.limit)
}
