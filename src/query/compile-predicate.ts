import { invalidValue } from '../platform/errors.ts'
import { calculate } from './arithmetic.ts'
import type {
  Comparison,
  Exists,
  Expression,
  Get,
  LocalName,
  PathExpression,
  Quantifier,
  TextTest,
} from './expression.ts'
import { isLocal, literal } from './expression.ts'
import { chordOfDistance, chordTo, isInBox, pointOf, vectorOf } from './geo.ts'
import { compareScalars, isJsonArray, isJsonObject, jsonEquals, memberOf } from './json.ts'
import type { Json } from './json.ts'
import { mapParts, partsOf } from './walk-expression.ts'

/** What a rule or filter is evaluated on. A variable that is missing is null. */
export interface Scope {
  /** Flat, as the API shows it: `{ id, createdAt, updatedAt, version, …data }`. */
  readonly doc?: Json
  readonly before?: Json
  readonly auth?: Json
  readonly request?: Json
  readonly channel?: Json
  readonly message?: Json
  /** Answers to `exists` and `get` calls so far; `resolveLookups` fills them in. */
  readonly lookups?: ReadonlyMap<Lookup, Json>
}

type Lookup = Exists | Get

/** A call for what stands in another collection, its arguments evaluated. */
export type LookupCall =
  | { readonly kind: 'exists'; readonly collection: string; readonly filter: Expression }
  | { readonly kind: 'get'; readonly collection: string; readonly id: string }

/** An expression as JavaScript. Compile once, evaluate often. */
export interface Predicate {
  /** The `exists` and `get` calls, innermost first. With any, evaluate on the scope that `resolveLookups` returns. */
  readonly lookups: readonly Lookup[]
  /** Whether the value is true. */
  readonly evaluate: (scope: Scope) => boolean
  readonly value: (scope: Scope) => Json
}

/**
 * The JavaScript back end. Fails with 400 `not_available` for `$search`, which only PostgreSQL answers.
 *
 * @example compilePredicate(parseFilter({ votes: { $gte: 10 } })).evaluate({ doc })
 */
export function compilePredicate(expression: Expression): Predicate {
  const value = compile(expression)
  return {
    lookups: lookupsOf(expression),
    evaluate: (scope) => value(scope, noLocals) === true,
    value: (scope) => value(scope, noLocals),
  }
}

/**
 * Answers the calls of a predicate, one after the other and only those whose answers matter
 * (`auth.uid == doc.owner || exists(…)` asks nothing of the owner). Evaluate on the scope returned.
 * @param answer reads a document (`get`: it or null) or looks for one (`exists`: true or false)
 */
export async function resolveLookups<S extends Scope>(
  predicate: Predicate,
  scope: S,
  answer: (call: LookupCall) => Promise<Json>,
): Promise<S> {
  if (predicate.lookups.length === 0) return scope
  const lookups = new Map(scope.lookups)
  const resolved = { ...scope, lookups }
  for (;;) {
    const pending = pendingLookup(predicate, resolved)
    if (pending === undefined) return resolved
    lookups.set(pending.lookup, await answer(pending.call))
  }
}

/** Thrown by an evaluation that can't go on without the answer to a call. */
class PendingLookup extends Error {
  readonly lookup: Lookup
  readonly call: LookupCall

  constructor(lookup: Lookup, call: LookupCall) {
    super(`${lookup.kind} was not resolved before the evaluation`)
    this.lookup = lookup
    this.call = call
  }
}

function pendingLookup(predicate: Predicate, scope: Scope): PendingLookup | undefined {
  try {
    predicate.value(scope)
    return undefined
  } catch (error) {
    if (error instanceof PendingLookup) return error
    throw error
  }
}

function lookupsOf(expression: Expression): Lookup[] {
  const inner = partsOf(expression).flatMap(lookupsOf)
  return expression.kind === 'exists' || expression.kind === 'get' ? [...inner, expression] : inner
}

type Locals = ReadonlyMap<LocalName, Json>
type Evaluate = (scope: Scope, locals: Locals) => Json

const noLocals: Locals = new Map()

function compile(expression: Expression): Evaluate {
  switch (expression.kind) {
    case 'literal':
      return () => expression.value
    case 'path':
      return compilePath(expression)
    case 'member':
      return binary(expression.of, expression.key, elementOf)
    case 'list':
      return compileList(expression.items)
    case 'map':
      return compileMap(expression.entries)
    case 'compare':
      return binary(expression.left, expression.right, comparisons[expression.operator])
    case 'and':
    case 'or':
      return compileLogical(expression.operands, expression.kind === 'or')
    case 'not':
      return unary(expression.operand, (value) => value !== true)
    case 'conditional':
      return compileConditional(expression.test, expression.whenTrue, expression.whenFalse)
    case 'in':
      return binary(expression.value, expression.list, isIn)
    case 'hasKey':
      return binary(expression.key, expression.map, isKeyOf)
    case 'text':
      return compileText(expression)
    case 'arithmetic':
      return binary(expression.left, expression.right, (a, b) => calculate(expression.operator, a, b))
    case 'size':
      return unary(expression.of, sizeOf)
    case 'quantifier':
      return compileQuantifier(expression)
    case 'exists':
    case 'get':
      return compileLookup(expression)
    case 'near':
    case 'withinRadius':
    case 'withinBox':
      return compileGeo(expression)
    case 'search':
      throw invalidValue('where.$search', '$search is not available here.', 'not_available')
    case 'parameter':
      throw new Error('a parameter stands outside of an exists call')
  }
}

function unary(of: Expression, apply: (value: Json) => Json): Evaluate {
  const value = compile(of)
  return (scope, locals) => apply(value(scope, locals))
}

function binary(left: Expression, right: Expression, apply: (a: Json, b: Json) => Json): Evaluate {
  const a = compile(left)
  const b = compile(right)
  return (scope, locals) => apply(a(scope, locals), b(scope, locals))
}

function compilePath({ root, path }: PathExpression): Evaluate {
  const variable: Evaluate = isLocal(root)
    ? (_scope, locals) => locals.get(root) ?? null
    : (scope) => scope[root] ?? null
  const [only] = path
  if (only === undefined) return variable
  if (path.length === 1) return (scope, locals) => memberOf(variable(scope, locals), only)
  return (scope, locals) => path.reduce(memberOf, variable(scope, locals))
}

function elementOf(value: Json, key: Json): Json {
  if (typeof key === 'string') return memberOf(value, key)
  return isJsonArray(value) && typeof key === 'number' ? (value[key] ?? null) : null
}

function compileList(expressions: readonly Expression[]): Evaluate {
  const items = expressions.map(compile)
  return (scope, locals) => items.map((item) => item(scope, locals))
}

function compileMap(expressions: readonly { key: string; value: Expression }[]): Evaluate {
  const entries = expressions.map(({ key, value }) => [key, compile(value)] as const)
  return (scope, locals) => Object.fromEntries(entries.map(([key, value]) => [key, value(scope, locals)]))
}

const comparisons: Record<Comparison, (a: Json, b: Json) => boolean> = {
  eq: jsonEquals,
  ne: (a, b) => !jsonEquals(a, b),
  lt: (a, b) => (compareScalars(a, b) ?? Number.NaN) < 0,
  lte: (a, b) => (compareScalars(a, b) ?? Number.NaN) <= 0,
  gt: (a, b) => (compareScalars(a, b) ?? Number.NaN) > 0,
  gte: (a, b) => (compareScalars(a, b) ?? Number.NaN) >= 0,
}

/** All must be true, or with `sought` one: the operands are evaluated until one equals it. */
function compileLogical(expressions: readonly Expression[], sought: boolean): Evaluate {
  const operands = expressions.map(compile)
  return (scope, locals) => {
    for (const operand of operands) {
      if ((operand(scope, locals) === true) === sought) return sought
    }
    return !sought
  }
}

function compileConditional(test: Expression, whenTrue: Expression, whenFalse: Expression): Evaluate {
  const [condition, yes, no] = [compile(test), compile(whenTrue), compile(whenFalse)]
  return (scope, locals) => (condition(scope, locals) === true ? yes(scope, locals) : no(scope, locals))
}

function isIn(value: Json, list: Json): boolean {
  return isJsonArray(list) && list.some((item) => jsonEquals(item, value))
}

function isKeyOf(key: Json, map: Json): boolean {
  return typeof key === 'string' && isJsonObject(map) && Object.hasOwn(map, key)
}

function compileText({ operator, text, part }: TextTest): Evaluate {
  const method = operator === 'contains' ? 'includes' : operator
  return binary(text, part, (a, b) => typeof a === 'string' && typeof b === 'string' && a[method](b))
}

function sizeOf(value: Json): Json {
  if (typeof value === 'string') return Array.from(value).length
  if (isJsonArray(value)) return value.length
  return isJsonObject(value) ? Object.keys(value).length : null
}

function compileQuantifier({ name, list, variable, condition }: Quantifier): Evaluate {
  const items = compile(list)
  const holds = compile(condition)
  return (scope, locals) => {
    const values = items(scope, locals)
    if (!isJsonArray(values)) return false
    const test = (item: Json): boolean => holds(scope, new Map(locals).set(variable, item)) === true
    switch (name) {
      case 'all':
        return values.every(test)
      case 'exists':
        return values.some(test)
      case 'exists_one':
        return values.filter(test).length === 1
    }
  }
}

function compileLookup(lookup: Lookup): Evaluate {
  const values = partsOf(lookup).map(compile)
  return (scope, locals) => {
    const answer = scope.lookups?.get(lookup)
    if (answer !== undefined) return answer
    const parts = values.map((value) => value(scope, locals))
    if (lookup.kind === 'exists') {
      const filter = withParameters(lookup.filter, parts)
      throw new PendingLookup(lookup, { kind: 'exists', collection: lookup.collection, filter })
    }
    const id = parts[0] ?? null
    if (typeof id !== 'string') return null
    throw new PendingLookup(lookup, { kind: 'get', collection: lookup.collection, id })
  }
}

function withParameters(filter: Expression, values: readonly Json[]): Expression {
  if (filter.kind === 'parameter') return literal(values[filter.index] ?? null)
  return mapParts(filter, (part) => withParameters(part, values))
}

function compileGeo(test: Extract<Expression, { kind: 'near' | 'withinRadius' | 'withinBox' }>): Evaluate {
  const field = compilePath({ kind: 'path', root: 'doc', path: test.path })
  if (test.kind === 'withinBox') {
    return (scope, locals) => {
      const point = pointOf(field(scope, locals))
      return point !== undefined && isInBox(point, test.box)
    }
  }
  const from = vectorOf(test.kind === 'near' ? test.point : test.center)
  const limit = test.kind === 'near' ? test.maxDistance : test.radius
  const reach = limit === undefined ? Number.POSITIVE_INFINITY : chordOfDistance(limit)
  return (scope, locals) => {
    const chord = chordTo(field(scope, locals), from)
    return chord !== undefined && chord <= reach
  }
}
