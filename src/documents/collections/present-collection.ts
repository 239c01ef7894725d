import type { Collection } from './collection.ts'
import type { CollectionPlan } from './plan-collection-change.ts'

export function presentCollection({ name, definition }: Collection) {
  const { schema, indexes, rules, fields } = definition
  return { name, schema, indexes, rules, fields }
}

/** What a declaration changed, or would change. */
export function presentPlan({ steps, warnings }: CollectionPlan) {
  return { changes: steps, warnings }
}
