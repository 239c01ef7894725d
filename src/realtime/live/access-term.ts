import type { Expression } from '../../query/expression.ts'
import type { FieldPath } from '../../query/field-path.ts'
import { isJsonArray, isJsonObject, type Json, memberOf } from '../../query/json.ts'
import { termsOf } from '../../query/split-condition.ts'

/**
 * A necessary condition that an index answers: the fields are one of these combinations of values; or the only field is
 * a list that holds one of the values, or an object with such a key.
 */
export interface AccessTerm extends AccessFields {
  /** As `keyOf` writes them. */
  readonly values: readonly string[]
}

/** What an index is made for. */
interface AccessFields {
  readonly kind: 'equals' | 'contains'
  readonly paths: readonly FieldPath[]
}

/**
 * The term of a condition that lets the fewest documents through, as far as can be said without knowing them. All
 * equalities with one value are one term: nobody knows which of `public` and `room` tells more. Then equality goes before
 * membership, and few values before many. Undefined if there is none.
 */
export function accessTermOf(condition: Expression): AccessTerm | undefined {
  const terms = termsOf(condition).flatMap((term) => asAccessTerm(term) ?? [])
  return (
    terms.find(isOfId) ??
    together(terms.filter(({ kind, values }) => kind === 'equals' && values.length === 1)) ??
    terms.sort((a, b) => rankOf(a) - rankOf(b))[0]
  )
}

function isOfId({ kind, paths: [path] }: AccessTerm): boolean {
  return kind === 'equals' && path?.length === 1 && path[0] === 'id'
}

function rankOf({ kind, values }: AccessTerm): number {
  return (kind === 'equals' ? 1_000 : 2_000) + values.length
}

/** One term of several, each with one value; undefined for less than two. The same fields make the same index. */
function together(terms: readonly AccessTerm[]): AccessTerm | undefined {
  const byName = new Map(terms.map((term) => [fieldsKey(term), term]))
  if (byName.size < 2) return undefined
  const sorted = [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, term]) => term)
  return {
    kind: 'equals',
    paths: sorted.flatMap(({ paths }) => paths),
    values: [keyOf(sorted.flatMap(({ values }) => values))],
  }
}

/** The same for terms that the same index answers. */
export function fieldsKey({ kind, paths }: AccessFields): string {
  return JSON.stringify([kind, paths])
}

function asAccessTerm(term: Expression): AccessTerm | undefined {
  if (term.kind === 'compare' && term.operator === 'eq') {
    return equality(term.left, term.right) ?? equality(term.right, term.left)
  }
  if (term.kind === 'or') return union(term.operands.map(asAccessTerm))
  if (term.kind === 'hasKey') return membership(term.map, term.key)
  if (term.kind !== 'in') return undefined
  const { value, list } = term
  return isField(value) ? make('equals', [value.path], literalItems(list)) : membership(list, value)
}

function membership(container: Expression, value: Expression): AccessTerm | undefined {
  if (!isField(container) || value.kind !== 'literal') return undefined
  return make('contains', [container.path], [value.value])
}

/** One of several conditions on the same field. */
function union(terms: readonly (AccessTerm | undefined)[]): AccessTerm | undefined {
  const [first] = terms
  if (first === undefined) return undefined
  const values = new Set<string>()
  for (const term of terms) {
    if (term === undefined || fieldsKey(term) !== fieldsKey(first)) return undefined
    for (const value of term.values) values.add(value)
  }
  return { ...first, values: [...values] }
}

function equality(field: Expression, value: Expression): AccessTerm | undefined {
  if (!isField(field) || value.kind !== 'literal') return undefined
  return make('equals', [field.path], [value.value])
}

function isField(expression: Expression): expression is Extract<Expression, { kind: 'path' }> {
  return expression.kind === 'path' && expression.root === 'doc' && expression.path.length > 0
}

function literalItems(list: Expression): Json[] | undefined {
  if (list.kind === 'literal') return isJsonArray(list.value) ? [...list.value] : undefined
  if (list.kind !== 'list') return undefined
  const items = list.items.flatMap((item) => (item.kind === 'literal' ? [item.value] : []))
  return items.length === list.items.length ? items : undefined
}

function make(
  kind: AccessTerm['kind'],
  paths: readonly FieldPath[],
  values: readonly Json[] | undefined,
): AccessTerm | undefined {
  const keys = values?.map(valueKey)
  return keys?.every((key) => key !== undefined) ? { kind, paths, values: keys } : undefined
}

/** The same for equal values and for no others; undefined for lists and objects. Null stands for missing too. */
function valueKey(value: Json): string | undefined {
  if (typeof value === 'string') return `s${value}`
  if (typeof value === 'object' && value !== null) return undefined
  // -0 equals 0.
  return value === 0 ? '0' : String(value)
}

/** Of several fields, in the order of their paths. */
function keyOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] ?? '') : JSON.stringify(values)
}

/** The keys under which a document is found by an index on these fields. */
export function documentKeys({ kind, paths }: AccessFields, document: Json): readonly string[] {
  const values = paths.map((path) => path.reduce(memberOf, document))
  if (kind === 'equals') {
    const keys = keysOf(values)
    return keys.length === values.length ? [keyOf(keys)] : []
  }
  const [value = null] = values
  if (isJsonArray(value)) return keysOf(value)
  return isJsonObject(value) ? keysOf(Object.keys(value)) : []
}

function keysOf(values: readonly Json[]): string[] {
  return values.flatMap((value) => valueKey(value) ?? [])
}
