import type { ASTNode } from '@marcbachmann/cel-js'
import { ApiError } from '../platform/errors.ts'
import type { Expression } from './expression.ts'
import { FilterParameter, parseFilter } from './parse-filter.ts'
import { RuleFault } from './rule-fault.ts'
import { argumentOf, mapKey, rangeOf } from './rule-syntax.ts'
import { partsOf } from './walk-expression.ts'

const maxLookups = 10
const maxLookupDepth = 2
const joins = new Set(['$and', '$or', '$not'])
const listOperators = new Set(['$in', '$nin', '$containsAny', '$containsAll'])

interface LookupContext {
  /** Reads an argument, an expression in the rule's own scope. */
  readonly convert: (node: ASTNode) => Expression
  readonly convertText: (node: ASTNode) => Expression
  readonly count: { lookups: number }
}

/** `get(collection, id)`. Throws RuleFault. */
export function getCall(node: ASTNode, args: readonly ASTNode[], context: LookupContext): Expression {
  const collection = collectionOf(argumentOf(node, 'get', args, 0, 2))
  const id = context.convertText(argumentOf(node, 'get', args, 1, 2))
  return bounded(node, { kind: 'get', collection, id }, context)
}

/** `exists(collection, filter)`. Throws RuleFault. */
export function existsCall(node: ASTNode, args: readonly ASTNode[], context: LookupContext): Expression {
  const collection = collectionOf(argumentOf(node, 'exists', args, 0, 2))
  const parameters: Expression[] = []
  const input = filterInput(argumentOf(node, 'exists', args, 1, 2), parameters, context)
  const filter = checkedFilter(node, input)
  return bounded(node, { kind: 'exists', collection, filter, parameters }, context)
}

function collectionOf(node: ASTNode): string {
  if (node.op === 'value' && typeof node.args === 'string' && /^[a-z][a-z0-9_]{0,47}$/.test(node.args))
    return node.args
  throw new RuleFault(rangeOf(node), 'The collection is a literal name.')
}

/**
 * The filter of an `exists` as JSON, in which what isn't a literal is a parameter. A map whose keys are no
 * operators is a value to compare with, except at the top and in `$and`, `$or` and `$not`.
 */
function filterInput(node: ASTNode, parameters: Expression[], context: LookupContext): unknown {
  if (node.op === 'list') return node.args.map((item) => filterInput(item, parameters, context))
  if (node.op !== 'map') throw new RuleFault(rangeOf(node), 'The filter is a map.')
  return entriesOf(node.args, (key, value) =>
    joins.has(key) ? filterInput(value, parameters, context) : conditionInput(value, parameters, context),
  )
}

function conditionInput(node: ASTNode, parameters: Expression[], context: LookupContext): unknown {
  const isOperators = node.op === 'map' && node.args.some(([key]) => mapKey(key).startsWith('$'))
  if (!isOperators) return valueInput(node, parameters, context)
  return entriesOf(node.args, (key, value) => {
    if (key === '$not') return conditionInput(value, parameters, context)
    return value.op === 'list' && listOperators.has(key)
      ? value.args.map((item) => valueInput(item, parameters, context))
      : valueInput(value, parameters, context)
  })
}

function valueInput(node: ASTNode, parameters: Expression[], context: LookupContext): unknown {
  const expression = context.convert(node)
  if (expression.kind === 'literal') return expression.value
  parameters.push(expression)
  return new FilterParameter(parameters.length - 1)
}

function entriesOf(
  entries: readonly (readonly [ASTNode, ASTNode])[],
  convertValue: (key: string, value: ASTNode) => unknown,
): unknown {
  return Object.fromEntries(
    entries.map(([keyNode, value]) => [mapKey(keyNode), convertValue(mapKey(keyNode), value)]),
  )
}

function checkedFilter(node: ASTNode, input: unknown): Expression {
  try {
    return parseFilter(input, { path: 'filter', indexed: false })
  } catch (error) {
    if (error instanceof ApiError) throw new RuleFault(rangeOf(node), error.message)
    throw error
  }
}

/** Calls cost a query each, so they are few; and they are answered before the rule, so no macro's variable is known. */
function bounded(node: ASTNode, lookup: Expression, context: LookupContext): Expression {
  if (++context.count.lookups > maxLookups) {
    throw new RuleFault(rangeOf(node), `A rule looks up at most ${maxLookups} other documents.`)
  }
  if (lookupDepth(lookup) > maxLookupDepth) {
    throw new RuleFault(rangeOf(node), `Look-ups are nested at most ${maxLookupDepth} deep.`)
  }
  if (usesLocals(lookup)) {
    throw new RuleFault(rangeOf(node), 'A look-up can not depend on the variable of a list macro.')
  }
  return lookup
}

function lookupDepth(expression: Expression): number {
  const inner = Math.max(0, ...partsOf(expression).map(lookupDepth))
  return expression.kind === 'exists' || expression.kind === 'get' ? inner + 1 : inner
}

function usesLocals(expression: Expression): boolean {
  if (expression.kind === 'path') return expression.root.startsWith('local')
  return partsOf(expression).some(usesLocals)
}
