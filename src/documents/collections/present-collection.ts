import type { Collection } from './collection.ts'
import type { CollectionPlan } from './plan-collection-change.ts'

/** With `faults` if it is broken. */
export function presentCollection({ name, definition, faults }: Collection) {
  const { schema, indexes, rules, fields } = definition
  return { name, schema, indexes, rules, fields, ...(faults !== undefined && { faults }) }
}

/** What a declaration changed, or would change. */
export function presentPlan({ steps, warnings }: CollectionPlan) {
  return { changes: steps, warnings }
}
