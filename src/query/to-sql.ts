import { invalidValue } from '../platform/errors.ts'
import {
  compareOperands,
  compareWithValue,
  holdsValue,
  isOneOf,
  mirrored,
  orNull,
  startsWithPrefix,
} from './compare-sql.ts'
import type { Operand } from './compare-sql.ts'
import type {
  Arithmetic,
  Compare,
  Exists,
  Expression,
  In,
  LocalName,
  Quantifier,
  TextTest,
} from './expression.ts'
import { isLocal, literal } from './expression.ts'
import { isPlainFieldName, systemColumns } from './field-path.ts'
import type { FieldPath } from './field-path.ts'
import { geoToSql } from './geo-to-sql.ts'
import { keyOf, searchExpression, systemColumn } from './index-expression.ts'
import { isJsonArray } from './json.ts'
import type { SqlContext } from './sql-context.ts'
import { mapParts } from './walk-expression.ts'

/**
 * The SQL back end: a condition for a WHERE clause, in which NULL counts as false.
 * Bind `auth` and `request` first (`bindVariables`). Comparisons keep the form that indexes on
 * `indexExpression(path)` serve. Fails with 400 `index_required` where an operator needs an index.
 */
export function toSql(expression: Expression, context: SqlContext): string {
  return condition(expression, { ...context, locals: new Map(), parameters: [], counter: { last: 0 } })
}

/** A row's field as jsonb, NULL when missing; a system field too. */
export function jsonOfPath(path: FieldPath, context: SqlContext): string {
  return documentJson(path, context.alias, context)
}

/** A row's field as what sorts compare: the expression of its index. */
export function keyOfPath(path: FieldPath, context: SqlContext): string {
  return operandOfPath(path, context).sql()
}

interface Scope extends SqlContext {
  /** The alias of the elements that a macro's variable runs over. */
  readonly locals: ReadonlyMap<LocalName, string>
  /** Inside the filter of an `exists`: its parameters as jsonb. */
  readonly parameters: readonly (() => string)[]
  readonly counter: { last: number }
}

function newAlias(scope: Scope): string {
  return `other${++scope.counter.last}`
}

function condition(expression: Expression, scope: Scope): string {
  switch (expression.kind) {
    case 'literal':
      return expression.value === true ? 'TRUE' : 'FALSE'
    case 'and':
    case 'or':
      return joined(
        expression.operands.map((operand) => condition(operand, scope)),
        expression.kind,
      )
    case 'not':
      return `(${condition(expression.operand, scope)}) IS NOT TRUE`
    case 'compare':
      return comparison(expression, scope)
    case 'conditional':
      return `CASE WHEN ${condition(expression.test, scope)} THEN ${condition(expression.whenTrue, scope)} ELSE ${condition(expression.whenFalse, scope)} END`
    case 'in':
      return membership(expression, scope)
    case 'hasKey':
      return `basalt.has_key(${json(expression.map, scope)}, ${json(expression.key, scope)})`
    case 'text':
      return textTest(expression, scope)
    case 'quantifier':
      return quantified(expression, scope)
    case 'exists':
      return existence(expression, scope)
    case 'search':
      return search(expression.query, scope)
    case 'near':
    case 'withinRadius':
    case 'withinBox':
      return geoToSql(expression, scope)
    case 'path':
    case 'parameter':
      return compareWithValue(operand(expression, scope), 'eq', true, scope.params)
    case 'member':
    case 'get':
      return `basalt.truth(${json(expression, scope)})`
    case 'list':
    case 'map':
    case 'arithmetic':
    case 'size':
      return 'FALSE'
  }
}

/** The value as jsonb; NULL or JSON's null when it is null. */
function json(expression: Expression, scope: Scope): string {
  switch (expression.kind) {
    case 'literal':
      return scope.params.push(JSON.stringify(expression.value), 'jsonb')
    case 'path':
      return pathJson(expression, scope)
    case 'parameter':
      return parameterJson(expression.index, scope)
    case 'member':
      return memberJson(expression.of, expression.key, scope)
    case 'list':
      return `jsonb_build_array(${expression.items.map((item) => json(item, scope)).join(', ')})`
    case 'map':
      return mapJson(expression.entries, scope)
    case 'conditional':
      return `CASE WHEN ${condition(expression.test, scope)} THEN ${json(expression.whenTrue, scope)} ELSE ${json(expression.whenFalse, scope)} END`
    case 'arithmetic':
      return arithmetic(expression, scope)
    case 'size':
      return `basalt.size(${json(expression.of, scope)})`
    case 'get':
      return getJson(expression.collection, expression.id, [], scope)
    default:
      return `to_jsonb((${condition(expression, scope)}) IS TRUE)`
  }
}

function joined(conditions: readonly string[], kind: 'and' | 'or'): string {
  if (conditions.length === 0) return kind === 'and' ? 'TRUE' : 'FALSE'
  return `(${conditions.join(kind === 'and' ? ' AND ' : ' OR ')})`
}

function operand(expression: Expression, scope: Scope): Operand {
  if (expression.kind === 'path' && expression.root === 'doc') return operandOfPath(expression.path, scope)
  const value = once(() => json(expression, scope))
  return { form: 'key', sql: () => keyOf(value()), json: value }
}

function operandOfPath(path: FieldPath, context: SqlContext): Operand {
  const value = once(() => documentJson(path, context.alias, context))
  const column = context.flat === true ? undefined : systemColumn(path, `${context.alias}.data`)
  if (column !== undefined) {
    return { form: path[0] === 'version' ? 'number' : 'text', sql: () => column, json: value }
  }
  const isUnindexed = context.indexes.ordered?.every((indexed) => !isSamePath(indexed, path)) ?? false
  return { form: 'key', sql: () => keyOf(value()), json: value, isUnindexed }
}

function isSamePath(a: FieldPath, b: FieldPath): boolean {
  return a.length === b.length && a.every((segment, at) => segment === b[at])
}

function once(make: () => string): () => string {
  let made: string | undefined
  return () => (made ??= make())
}

function comparison({ operator, left, right }: Compare, scope: Scope): string {
  if (right.kind === 'literal')
    return compareWithValue(operand(left, scope), operator, right.value, scope.params)
  if (left.kind === 'literal') {
    return compareWithValue(operand(right, scope), mirrored[operator], left.value, scope.params)
  }
  return compareOperands(operand(left, scope), operator, operand(right, scope))
}

function membership({ value, list }: In, scope: Scope): string {
  if (list.kind === 'literal') {
    return isJsonArray(list.value) ? isOneOf(operand(value, scope), list.value, scope.params) : 'FALSE'
  }
  if (list.kind === 'list') {
    const equal = (item: Expression): Compare => ({
      kind: 'compare',
      operator: 'eq',
      left: value,
      right: item,
    })
    return joined(
      list.items.map((item) => comparison(equal(item), scope)),
      'or',
    )
  }
  const elements = json(list, scope)
  if (value.kind === 'literal') return holdsValue(elements, value.value, scope.params)
  return `${orNull(json(value, scope))} IN (SELECT jsonb_array_elements(basalt.list(${elements})))`
}

function textTest({ operator, text, part }: TextTest, scope: Scope): string {
  if (operator === 'startsWith' && part.kind === 'literal') {
    const whole = operand(text, scope)
    return typeof part.value === 'string' ? startsWithPrefix(whole, part.value, scope.params) : 'FALSE'
  }
  const [a, b] = [`basalt.text(${json(text, scope)})`, `basalt.text(${json(part, scope)})`]
  switch (operator) {
    case 'startsWith':
      return `starts_with(${a}, ${b})`
    case 'endsWith':
      return `right(${a}, length(${b})) = ${b}`
    case 'contains':
      return `strpos(${a}, ${b}) > 0`
  }
}

function arithmetic({ operator, left, right }: Arithmetic, scope: Scope): string {
  return `basalt.arithmetic('${operator}', ${json(left, scope)}, ${json(right, scope)})`
}

function quantified({ name, list, variable, condition: test }: Quantifier, scope: Scope): string {
  const alias = newAlias(scope)
  const elements = json(list, scope)
  const from = `FROM jsonb_array_elements(basalt.list(${elements})) AS ${alias}(value)`
  const holds = condition(test, { ...scope, locals: new Map(scope.locals).set(variable, alias) })
  switch (name) {
    case 'all':
      return `(jsonb_typeof(${elements}) = 'array' AND NOT EXISTS (SELECT ${from} WHERE (${holds}) IS NOT TRUE))`
    case 'exists':
      return `EXISTS (SELECT ${from} WHERE ${holds})`
    case 'exists_one':
      return `(SELECT count(*) ${from} WHERE ${holds}) = 1`
  }
}

function existence({ collection, filter, parameters }: Exists, scope: Scope): string {
  const table = scope.table(collection)
  if (table === undefined) return 'FALSE'
  const alias = newAlias(scope)
  // Values known beforehand become part of the filter, so that its comparisons can use an index.
  const inner = withLiterals(filter, parameters)
  const outer = parameters.map((parameter) => once(() => json(parameter, scope)))
  const noIndexes = { geo: [] }
  const where = condition(inner, {
    ...scope,
    alias,
    parameters: outer,
    indexes: noIndexes,
    locals: new Map(),
  })
  return `EXISTS (SELECT FROM ${table} AS ${alias} WHERE ${where})`
}

function withLiterals(filter: Expression, parameters: readonly Expression[]): Expression {
  if (filter.kind !== 'parameter') return mapParts(filter, (part) => withLiterals(part, parameters))
  const value = parameters[filter.index]
  return value?.kind === 'literal' ? literal(value.value) : filter
}

function search(query: string, scope: Scope): string {
  const index = scope.indexes.search
  if (index === undefined)
    throw invalidValue('where.$search', '$search needs a search index on the collection.', 'index_required')
  const words = `websearch_to_tsquery('pg_catalog.${index.language}'::regconfig, ${scope.params.push(query, 'text')})`
  return `${searchExpression(index, `${scope.alias}.data`)} @@ ${words}`
}

function pathJson({ root, path }: Extract<Expression, { kind: 'path' }>, scope: Scope): string {
  if (root === 'doc') return documentJson(path, scope.alias, scope)
  const alias = isLocal(root) ? scope.locals.get(root) : undefined
  if (alias === undefined) throw new Error(`${root} is not bound, and SQL does not know it`)
  return walked(`${alias}.value`, path, scope)
}

/** A field of a table's document. System fields are columns, and the whole document is made of both. */
function documentJson(path: FieldPath, alias: string, context: SqlContext): string {
  if (context.flat === true) return walked(`${alias}.data`, path, context)
  const column = systemColumn(path, `${alias}.data`)
  if (column !== undefined) return `to_jsonb(${column})`
  if (path.length > 0) return walked(`${alias}.data`, path, context)
  const system = [...systemColumns].map(([name, columnName]) => `'${name}', ${alias}.${columnName}`)
  return `(${alias}.data || jsonb_build_object(${system.join(', ')}))`
}

function walked(base: string, path: FieldPath, { params }: SqlContext): string {
  const steps = path.map((segment) =>
    isPlainFieldName(segment) ? `'${segment}'` : params.push(segment, 'text'),
  )
  return [base, ...steps].join('->')
}

function parameterJson(index: number, scope: Scope): string {
  const value = scope.parameters[index]
  if (value === undefined) throw new Error('a parameter stands outside of an exists call')
  return value()
}

/** Fields known beforehand of a document fetched by `get` are selected there, instead of the whole of it. */
function memberJson(of: Expression, key: Expression, scope: Scope): string {
  const path: string[] = []
  let base: Expression = { kind: 'member', of, key }
  while (base.kind === 'member' && base.key.kind === 'literal' && typeof base.key.value === 'string') {
    path.unshift(base.key.value)
    base = base.of
  }
  if (base.kind === 'get') return getJson(base.collection, base.id, path, scope)
  if (base.kind === 'member') return walked(dynamicMember(base.of, base.key, scope), path, scope)
  return walked(`(${json(base, scope)})`, path, scope)
}

function dynamicMember(of: Expression, key: Expression, scope: Scope): string {
  return `basalt.member(${json(of, scope)}, ${json(key, scope)})`
}

function getJson(collection: string, id: Expression, path: FieldPath, scope: Scope): string {
  const table = scope.table(collection)
  if (table === undefined) return 'NULL::jsonb'
  const alias = newAlias(scope)
  const key =
    id.kind === 'literal' ? scope.params.push(textOrNull(id), 'text') : `basalt.text(${json(id, scope)})`
  return `(SELECT ${documentJson(path, alias, scope)} FROM ${table} AS ${alias} WHERE ${alias}.id = ${key})`
}

function textOrNull({ value }: Extract<Expression, { kind: 'literal' }>): string | null {
  return typeof value === 'string' ? value : null
}

function mapJson(entries: readonly { key: string; value: Expression }[], scope: Scope): string {
  const pairs = entries.map(({ key, value }) => `${scope.params.push(key, 'text')}, ${json(value, scope)}`)
  return `jsonb_build_object(${pairs.join(', ')})`
}
