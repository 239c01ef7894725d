import { allOf, anyOf, documentPath, literal } from './expression.ts'
import type { Comparison, Expression } from './expression.ts'
import { describePathFault } from './field-path.ts'
import type { FieldPath } from './field-path.ts'
import { FilterIssues } from './filter-issues.ts'
import type { FilterLimits } from './filter-issues.ts'
import { parseNear, parseWithinBox, parseWithinRadius } from './parse-geo.ts'
import { isJsonObject } from './json.ts'

const maxSearchLength = 1024

/** A value in the filter of a rule's `exists` call that is only known when the rule is evaluated. */
export class FilterParameter {
  readonly index: number

  constructor(index: number) {
    this.index = index
  }
}

interface FilterOptions {
  /** Where the filter stands in the request, for the faults: `where`. */
  path?: string
  /** Whether `$search` and the geo operators are understood. */
  indexed?: boolean
  limits?: FilterLimits
}

/** Where in the filter a part stands, and what it may be. */
interface Place {
  readonly at: string
  readonly depth: number
  /** True as long as only `$and` stands above: what orders or searches the whole result may stand here. */
  readonly whole: boolean
  readonly indexed: boolean
  readonly near: { found: boolean }
}

/**
 * Reads a filter, `{"votes": {"$gte": 10}, "$or": [{"tag": "a"}, {"tag": null}]}`. No filter matches all.
 * Fails with 400 and every fault at its path (`where.votes.$gte`); codes `wrong_type`, `unknown_operator`,
 * `mixed_operators`, `invalid_path`, `invalid_value`, `too_deep`, `too_many_terms`, `too_many_values`,
 * `not_allowed_here`.
 */
export function parseFilter(input: unknown, options: FilterOptions = {}): Expression {
  const { path = 'where', indexed = true, limits } = options
  const issues = new FilterIssues(limits)
  const expression =
    input === undefined
      ? allOf([])
      : filterOf(input, { at: path, depth: 0, whole: true, indexed, near: { found: false } }, issues)
  issues.throwIfAny()
  return expression
}

function filterOf(input: unknown, place: Place, issues: FilterIssues): Expression {
  if (!isJsonObject(input)) {
    issues.add(place.at, 'wrong_type', 'A filter is an object.')
    return allOf([])
  }
  if (place.depth > issues.limits.filterDepth) {
    issues.add(place.at, 'too_deep', `A filter is nested at most ${issues.limits.filterDepth} deep.`)
    return allOf([])
  }
  const fields = Object.entries(input)
  if (fields.length === 0) issues.countTerm(place.at)
  return allOf(
    fields.map(([name, value]) => {
      const inner = { ...place, at: `${place.at}.${name}` }
      return name.startsWith('$') ? logicOf(name, value, inner, issues) : fieldOf(name, value, inner, issues)
    }),
  )
}

function logicOf(name: string, input: unknown, place: Place, issues: FilterIssues): Expression {
  switch (name) {
    case '$and':
      return allOf(filtersOf(input, place, issues))
    case '$or':
      return anyOf(filtersOf(input, { ...place, whole: false }, issues))
    case '$not':
      return {
        kind: 'not',
        operand: filterOf(input, { ...place, depth: place.depth + 1, whole: false }, issues),
      }
    case '$search':
      return searchOf(input, place, issues)
    default:
      issues.add(place.at, 'unknown_operator', `${name} is not an operator that joins filters.`)
      return allOf([])
  }
}

function filtersOf(input: unknown, place: Place, issues: FilterIssues): Expression[] {
  if (!Array.isArray(input) || input.length === 0) {
    issues.add(place.at, 'wrong_type', 'This takes a list of filters that is not empty.')
    return []
  }
  // What stands behind the limit of terms is a fault anyway, told once and not for each.
  return input
    .slice(0, issues.limits.filterTerms + 1)
    .map((item: unknown, index) =>
      filterOf(item, { ...place, at: `${place.at}[${index}]`, depth: place.depth + 1 }, issues),
    )
}

function searchOf(input: unknown, place: Place, issues: FilterIssues): Expression {
  issues.countTerm(place.at)
  if (!place.whole || !place.indexed) {
    issues.add(place.at, 'not_allowed_here', '$search stands at the top of a filter or in $and.')
  }
  if (typeof input !== 'string') {
    issues.add(place.at, 'wrong_type', '$search takes words as a text.')
    return allOf([])
  }
  if (input.length > maxSearchLength) {
    issues.add(place.at, 'invalid_value', `$search takes at most ${maxSearchLength} characters.`)
  }
  issues.isValue(input, place.at)
  return { kind: 'search', query: input }
}

function fieldOf(name: string, input: unknown, place: Place, issues: FilterIssues): Expression {
  const path = name.split('.')
  const fault = describePathFault(path)
  if (fault !== undefined) issues.add(place.at, 'invalid_path', fault)
  return isOperators(input) ? operatorsOf(path, input, place, issues) : equals(path, input, place, issues)
}

function isOperators(input: unknown): input is Readonly<Record<string, unknown>> {
  return isJsonObject(input) && Object.keys(input).some((key) => key.startsWith('$'))
}

function operatorsOf(
  path: FieldPath,
  input: Readonly<Record<string, unknown>>,
  place: Place,
  issues: FilterIssues,
): Expression {
  return allOf(
    Object.entries(input).map(([name, value]) =>
      operatorOf(path, name, value, { ...place, at: `${place.at}.${name}` }, issues),
    ),
  )
}

function operatorOf(
  path: FieldPath,
  name: string,
  input: unknown,
  place: Place,
  issues: FilterIssues,
): Expression {
  if (name === '$not') return negationOf(path, input, place, issues)
  issues.countTerm(place.at)
  switch (name) {
    case '$eq':
    case '$ne':
      return comparisonOf(path, name === '$eq' ? 'eq' : 'ne', input, place, issues)
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return rangeOf(path, comparisons[name], input, place, issues)
    case '$in':
      return inOf(path, input, place, issues)
    case '$nin':
      return { kind: 'not', operand: inOf(path, input, place, issues) }
    case '$exists':
      return existsOf(path, input, place, issues)
    case '$startsWith':
      return {
        kind: 'text',
        operator: 'startsWith',
        text: documentPath(path),
        part: textOf(input, place, issues),
      }
    case '$contains':
      return { kind: 'in', value: valueOf(input, place, issues), list: documentPath(path) }
    case '$containsAny':
      return anyOf(elementsOf(path, input, place, issues))
    case '$containsAll':
      return allOf(elementsOf(path, input, place, issues))
    case '$near':
    case '$withinRadius':
    case '$withinBox':
      return geoOf(path, name, input, place, issues)
    default:
      issues.add(
        place.at,
        name.startsWith('$') ? 'unknown_operator' : 'mixed_operators',
        unknownOperator(name),
      )
      return allOf([])
  }
}

const comparisons = { $gt: 'gt', $gte: 'gte', $lt: 'lt', $lte: 'lte' } as const

function unknownOperator(name: string): string {
  return name.startsWith('$')
    ? `${name} is not an operator.`
    : `${name} stands beside operators. To compare with an object, use $eq.`
}

function negationOf(path: FieldPath, input: unknown, place: Place, issues: FilterIssues): Expression {
  const depth = place.depth + 1
  if (depth > issues.limits.filterDepth) {
    issues.add(place.at, 'too_deep', `A filter is nested at most ${issues.limits.filterDepth} deep.`)
    return allOf([])
  }
  if (!isOperators(input)) {
    issues.add(place.at, 'wrong_type', '$not takes an object of operators. To say unequal, use $ne.')
    return allOf([])
  }
  return { kind: 'not', operand: operatorsOf(path, input, { ...place, depth, whole: false }, issues) }
}

function equals(path: FieldPath, input: unknown, place: Place, issues: FilterIssues): Expression {
  issues.countTerm(place.at)
  return comparisonOf(path, 'eq', input, place, issues)
}

function comparisonOf(
  path: FieldPath,
  operator: Comparison,
  input: unknown,
  place: Place,
  issues: FilterIssues,
): Expression {
  return { kind: 'compare', operator, left: documentPath(path), right: valueOf(input, place, issues) }
}

function rangeOf(
  path: FieldPath,
  operator: Comparison,
  input: unknown,
  place: Place,
  issues: FilterIssues,
): Expression {
  if (typeof input === 'object' && !(input instanceof FilterParameter)) {
    issues.add(place.at, 'wrong_type', 'This compares with a number, a text or a boolean.')
    return allOf([])
  }
  return comparisonOf(path, operator, input, place, issues)
}

function existsOf(path: FieldPath, input: unknown, place: Place, issues: FilterIssues): Expression {
  if (typeof input !== 'boolean') issues.add(place.at, 'wrong_type', '$exists takes true or false.')
  // A field that is null counts as missing everywhere, so also here.
  return {
    kind: 'compare',
    operator: input === true ? 'ne' : 'eq',
    left: documentPath(path),
    right: literal(null),
  }
}

function inOf(path: FieldPath, input: unknown, place: Place, issues: FilterIssues): Expression {
  if (input instanceof FilterParameter)
    return { kind: 'in', value: documentPath(path), list: valueOf(input, place, issues) }
  const values = valuesOf(input, place, issues)
  const plain = values.flatMap((value) => (value.kind === 'literal' ? [value.value] : []))
  const list: Expression = plain.length === values.length ? literal(plain) : { kind: 'list', items: values }
  return { kind: 'in', value: documentPath(path), list }
}

function elementsOf(path: FieldPath, input: unknown, place: Place, issues: FilterIssues): Expression[] {
  return valuesOf(input, place, issues).map((value) => ({ kind: 'in', value, list: documentPath(path) }))
}

function valuesOf(input: unknown, place: Place, issues: FilterIssues): Expression[] {
  if (!Array.isArray(input)) {
    issues.add(place.at, 'wrong_type', 'This takes a list of values.')
    return []
  }
  if (input.length > issues.limits.filterInValues) {
    issues.add(place.at, 'too_many_values', `This takes at most ${issues.limits.filterInValues} values.`)
    return []
  }
  return input.map((item: unknown, index) => valueOf(item, { ...place, at: `${place.at}[${index}]` }, issues))
}

function textOf(input: unknown, place: Place, issues: FilterIssues): Expression {
  if (typeof input !== 'string' && !(input instanceof FilterParameter)) {
    issues.add(place.at, 'wrong_type', 'This takes a text.')
    return literal('')
  }
  return valueOf(input, place, issues)
}

function valueOf(input: unknown, place: Place, issues: FilterIssues): Expression {
  if (input instanceof FilterParameter) return { kind: 'parameter', index: input.index }
  return literal(issues.isValue(input, place.at) ? input : null)
}

function geoOf(
  path: FieldPath,
  name: '$near' | '$withinRadius' | '$withinBox',
  input: unknown,
  place: Place,
  issues: FilterIssues,
): Expression {
  if (!place.indexed) issues.add(place.at, 'not_allowed_here', `${name} is not available here.`)
  if (name === '$withinRadius') return parseWithinRadius(path, input, place.at, issues)
  if (name === '$withinBox') return parseWithinBox(path, input, place.at, issues)
  if (!place.whole)
    issues.add(place.at, 'not_allowed_here', '$near stands at the top of a filter or in $and.')
  if (place.near.found) issues.add(place.at, 'not_allowed_here', 'A query takes one $near.')
  place.near.found = true
  return parseNear(path, input, place.at, issues)
}
