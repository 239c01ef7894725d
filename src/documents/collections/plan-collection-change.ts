import { isDeepStrictEqual } from 'node:util'
import type { Collection } from './collection.ts'
import { type Action, actions } from './collection-definition.ts'
import { indexName } from './index-ddl.ts'
import type { ParsedIndex } from './parse-indexes.ts'

/** One thing that declaring a collection does, in words for people and a `kind` for programs. */
interface CollectionStep {
  kind: 'create_collection' | 'create_index' | 'drop_index' | 'change_schema' | 'change_rule' | 'change_field'
  /** The index's or field's name, or the rule's action. */
  target: string
  description: string
}

/** What declaring a collection will do, before it does it. */
export interface CollectionPlan {
  steps: CollectionStep[]
  /** What is allowed and probably not wanted. */
  warnings: string[]
  createIndexes: ParsedIndex[]
  /** Names in the database. */
  dropIndexes: string[]
}

export function planCollectionChange(
  current: Collection | undefined,
  wanted: Collection,
  collections: ReadonlyMap<string, Collection>,
): CollectionPlan {
  const indexes = planIndexes(current, wanted)
  const steps: CollectionStep[] = [
    ...(current === undefined
      ? [step('create_collection', wanted.name, `Create the collection ${wanted.name}.`)]
      : []),
    ...indexes.createIndexes.map((index) => step('create_index', index.label, describeIndex(index))),
    ...indexes.dropped.map(({ label }) => step('drop_index', label, `Drop the index on ${label}.`)),
    ...planSchema(current, wanted),
    ...planRules(current, wanted),
    ...planFields(current, wanted),
  ]
  return {
    steps,
    warnings: findWarnings(wanted, collections),
    createIndexes: indexes.createIndexes,
    dropIndexes: indexes.dropped.map((index) => indexName(wanted.name, index)),
  }
}

function planIndexes(current: Collection | undefined, wanted: Collection) {
  const before = current?.indexes ?? []
  const names = (indexes: readonly ParsedIndex[]): Set<string> =>
    new Set(indexes.map((index) => indexName(wanted.name, index)))
  const had = names(before)
  const wants = names(wanted.indexes)
  return {
    createIndexes: wanted.indexes.filter((index) => !had.has(indexName(wanted.name, index))),
    dropped: before.filter((index) => !wants.has(indexName(wanted.name, index))),
  }
}

function planSchema(current: Collection | undefined, wanted: Collection): CollectionStep[] {
  if (isDeepStrictEqual(current?.definition.schema ?? null, wanted.definition.schema)) return []
  const description =
    wanted.definition.schema === null
      ? 'Stop validating documents.'
      : 'Validate new and changed documents by the schema. Documents that are stored already are not checked.'
  return [step('change_schema', 'schema', description)]
}

function planRules(current: Collection | undefined, wanted: Collection): CollectionStep[] {
  return actions.flatMap((action: Action) => {
    const before = current?.definition.rules[action]
    const after = wanted.definition.rules[action]
    if (before === after) return []
    const description =
      after === undefined ? `Let nobody ${action}.` : `Let ${action} whoever satisfies: ${after}`
    return [step('change_rule', action, description)]
  })
}

function planFields(current: Collection | undefined, wanted: Collection): CollectionStep[] {
  const before = current?.definition.fields ?? {}
  const after = wanted.definition.fields
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((path) =>
    isDeepStrictEqual(before[path], after[path])
      ? []
      : [
          step(
            'change_field',
            path,
            path in after ? `Change the field ${path}.` : `Forget the rules and relation of ${path}.`,
          ),
        ],
  )
}

function findWarnings(wanted: Collection, collections: ReadonlyMap<string, Collection>): string[] {
  const warnings: string[] = []
  for (const action of actions) {
    const rule = wanted.rules[action]
    if (rule?.expression.kind === 'literal' && rule.expression.value === true) {
      warnings.push(`rules.${action} is always true: anyone with the publishable key may ${action}.`)
    }
  }
  for (const [path, target] of wanted.relations) {
    if (target !== wanted.name && !collections.has(target)) {
      warnings.push(`fields.${path} refers to ${target}, which does not exist yet.`)
    }
  }
  return warnings
}

function describeIndex(index: ParsedIndex): string {
  switch (index.type) {
    case 'ordered':
      return `Build ${index.unique ? 'a unique' : 'an'} index on ${index.label}, without blocking writes.`
    case 'search':
      return `Build a full-text index (${index.language}) on ${index.label}, without blocking writes.`
    case 'geo':
      return `Build a geo index on ${index.label}, without blocking writes.`
  }
}

function step(kind: CollectionStep['kind'], target: string, description: string): CollectionStep {
  return { kind, target, description }
}
