import { invalidValue } from '../../platform/errors.ts'
import { compilePredicate } from '../../query/compile-predicate.ts'
import type { Json } from '../../query/json.ts'
import type { FilterLimits } from '../../query/filter-issues.ts'
import { parseFilter } from '../../query/parse-filter.ts'
import type { FunctionEntry } from '../deployments/function-entry.ts'

/** A function that hears of messages. */
export interface Subscriber {
  entry: FunctionEntry
  hears(topic: string, data: Json): boolean
}

const segment = '[A-Za-z0-9_-]+'
const patternOfPatterns = new RegExp(`^(${segment}\\.)*(${segment}|\\*)$`)

/** `orders.paid`. */
export const topicPattern = `^${segment}(\\.${segment})*$`

/** What was accepted once is not measured again by limits that have changed since. */
const unlimited: FilterLimits = {
  filterDepth: Number.POSITIVE_INFINITY,
  filterTerms: Number.POSITIVE_INFINITY,
  filterInValues: Number.POSITIVE_INFINITY,
}

/** Those of a version that hear of messages. */
export function readSubscribers(entries: readonly FunctionEntry[]): Subscriber[] {
  return entries.filter(({ kind }) => kind === 'subscriber').map((entry) => readSubscriber(entry, unlimited))
}

/** Throws 400 for a topic that is none, and for what is no filter. */
export function checkSubscriber(entry: FunctionEntry, limits: FilterLimits): void {
  if (!patternOfPatterns.test(entry.settings.topic ?? '')) {
    throw invalidValue('topic', 'is not a topic: orders.paid, orders.*, or * for all of them')
  }
  readSubscriber(entry, limits)
}

/** The filter is asked about the message's data, as a query's is about a document. */
function readSubscriber(entry: FunctionEntry, limits: FilterLimits): Subscriber {
  const { topic = '', filter } = entry.settings
  const { evaluate } = compilePredicate(parseFilter(filter, { path: 'filter', indexed: false, limits }))
  const beginning = topic.endsWith('*') ? topic.slice(0, -1) : undefined
  return {
    entry,
    hears: (published, data) =>
      (beginning === undefined ? published === topic : published.startsWith(beginning)) &&
      evaluate({ doc: data }),
  }
}
