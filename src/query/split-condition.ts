import { allOf, type Exists, type Expression, type Get, literal } from './expression.ts'
import type { Json } from './json.ts'
import { mapParts, partsOf, some } from './walk-expression.ts'

/** Another document that a condition looks at. */
export interface Dependency {
  readonly collection: string
  /** Documents of that collection that do not match are not looked at. */
  readonly filter: Expression
}

/** What a condition says of a document by itself, and what else it depends on. */
export interface SplitCondition {
  /** True of every document that the condition is true of: its terms that need nothing but the document. */
  readonly own: Expression
  /** Whether `own` is the whole condition, so that it is false wherever the condition is. */
  readonly isWhole: boolean
  readonly dependencies: readonly Dependency[]
}

/**
 * Splits a condition whose variables are bound (`bindVariables`). Look-ups and full text, which only PostgreSQL
 * answers, are left out of `own` with the whole term around them.
 */
export function splitCondition(condition: Expression): SplitCondition {
  const terms = termsOf(condition)
  const own = terms.filter((term) => !some(term, needsMore))
  return {
    own: allOf(own),
    isWhole: own.length === terms.length,
    dependencies: terms.flatMap(dependenciesOf),
  }
}

/** What must all be true for the condition to be: the operands of `and`, at any depth. */
export function termsOf(condition: Expression): readonly Expression[] {
  return condition.kind === 'and' ? condition.operands.flatMap(termsOf) : [condition]
}

function needsMore({ kind }: Expression): boolean {
  return kind === 'exists' || kind === 'get' || kind === 'search'
}

function dependenciesOf(expression: Expression): Dependency[] {
  const inner = partsOf(expression).flatMap(dependenciesOf)
  if (expression.kind === 'exists') return [...inner, dependencyOfExists(expression)]
  if (expression.kind === 'get') return [...inner, dependencyOfGet(expression)]
  return inner
}

/** Terms of the filter whose parameters depend on the document are left out: any document may satisfy them. */
function dependencyOfExists({ collection, filter, parameters }: Exists): Dependency {
  const known = putParameters(filter, parameters.map(valueOf))
  const decidable = termsOf(known).filter((term) => !some(term, ({ kind }) => kind === 'parameter'))
  return { collection, filter: allOf(decidable) }
}

function dependencyOfGet({ collection, id }: Get): Dependency {
  const isKnown = id.kind === 'literal'
  const isThat: Expression = {
    kind: 'compare',
    operator: 'eq',
    left: { kind: 'path', root: 'doc', path: ['id'] },
    right: id,
  }
  return { collection, filter: isKnown ? isThat : allOf([]) }
}

function valueOf(parameter: Expression): Json | undefined {
  return parameter.kind === 'literal' ? parameter.value : undefined
}

function putParameters(filter: Expression, values: readonly (Json | undefined)[]): Expression {
  if (filter.kind !== 'parameter') return mapParts(filter, (part) => putParameters(part, values))
  const value = values[filter.index]
  return value === undefined ? filter : literal(value)
}
