import type { Expression } from '../../query/expression.ts'
import type { FieldPath } from '../../query/field-path.ts'
import { isJsonArray, isJsonObject, type Json, memberOf } from '../../query/json.ts'
import { termsOf } from '../../query/split-condition.ts'

/**
 * A necessary condition that an index answers: the field is one of these values, or a list that holds one of them, or an
 * object with such a key.
 */
export interface AccessTerm {
  readonly kind: 'equals' | 'contains'
  readonly path: FieldPath
  /** As `valueKey` writes them. */
  readonly values: readonly string[]
}

/**
 * The term of a condition that lets the fewest documents through, as far as can be said without knowing them:
 * equality before membership, one value before several. Undefined if there is none.
 */
export function accessTermOf(condition: Expression): AccessTerm | undefined {
  return termsOf(condition)
    .flatMap((term) => asAccessTerm(term) ?? [])
    .sort((a, b) => rankOf(a) - rankOf(b))[0]
}

function rankOf({ kind, path, values }: AccessTerm): number {
  if (path.length === 1 && path[0] === 'id') return values.length
  return (kind === 'equals' ? 1_000 : 2_000) + values.length
}

function asAccessTerm(term: Expression): AccessTerm | undefined {
  if (term.kind === 'compare' && term.operator === 'eq') {
    return equality(term.left, term.right) ?? equality(term.right, term.left)
  }
  if (term.kind === 'or') return union(term.operands.map(asAccessTerm))
  if (term.kind === 'hasKey') return membership(term.map, term.key)
  if (term.kind !== 'in') return undefined
  const { value, list } = term
  return isField(value) ? make('equals', value.path, literalItems(list)) : membership(list, value)
}

function membership(container: Expression, value: Expression): AccessTerm | undefined {
  if (!isField(container) || value.kind !== 'literal') return undefined
  return make('contains', container.path, [value.value])
}

/** One of several conditions on the same field. */
function union(terms: readonly (AccessTerm | undefined)[]): AccessTerm | undefined {
  const [first] = terms
  if (first === undefined) return undefined
  const values = new Set<string>()
  for (const term of terms) {
    const isAlike = term?.kind === first.kind && term.path.join('.') === first.path.join('.')
    if (term === undefined || !isAlike) return undefined
    for (const value of term.values) values.add(value)
  }
  return { ...first, values: [...values] }
}

function equality(field: Expression, value: Expression): AccessTerm | undefined {
  if (!isField(field) || value.kind !== 'literal') return undefined
  return make('equals', field.path, [value.value])
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
  path: FieldPath,
  values: readonly Json[] | undefined,
): AccessTerm | undefined {
  const keys = values?.map(valueKey)
  return keys?.every((key) => key !== undefined) ? { kind, path, values: keys } : undefined
}

/** The same for equal values and for no others; undefined for lists and objects. Null stands for missing too. */
function valueKey(value: Json): string | undefined {
  if (typeof value === 'string') return `s${value}`
  if (typeof value === 'object' && value !== null) return undefined
  // -0 equals 0.
  return value === 0 ? '0' : String(value)
}

/** The keys under which a document is found by an index on this field. */
export function documentKeys(kind: AccessTerm['kind'], path: FieldPath, document: Json): readonly string[] {
  const value = path.reduce(memberOf, document)
  if (kind === 'equals') return keysOf([value])
  if (isJsonArray(value)) return keysOf(value)
  return isJsonObject(value) ? keysOf(Object.keys(value)) : []
}

function keysOf(values: readonly Json[]): string[] {
  return values.flatMap((value) => valueKey(value) ?? [])
}
