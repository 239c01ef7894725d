import type { FieldPath } from './field-path.ts'
import type { GeoBox, GeoPoint } from './geo.ts'
import type { Json } from './json.ts'

/** Where in a rule's source an expression stands: offsets in UTF-16 units, the end exclusive. */
export interface SourceRange {
  readonly start: number
  readonly end: number
}

/** A variable that a list macro binds. Numbered while parsing, so that nested macros can't shadow. */
export type LocalName = `local${number}`

/**
 * `doc` is the document after the write (or the stored one, for reads), `before` the one it replaces.
 * In the filter of an `exists` call, `doc` is the document looked for.
 */
export type Root = Variable | LocalName

/**
 * What a rule may be told: who asks (`auth`, `request`), and what about. Of a document `doc` and `before`; of a channel
 * `channel`, and `message` for what is sent there.
 */
export type Variable = 'doc' | 'before' | 'auth' | 'request' | 'channel' | 'message'

export function isLocal(root: Root): root is LocalName {
  return root.startsWith('local')
}

export type Comparison = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte'
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%'
type TextOperator = 'startsWith' | 'endsWith' | 'contains'
export type QuantifierName = 'all' | 'exists' | 'exists_one'

/**
 * The one tree that filters (JSON) and rules (CEL) become, with two back ends: SQL and JavaScript.
 *
 * Semantics are total: every expression has a JSON value, and none fails.
 * - A missing field, a field of something that isn't an object, and a variable that isn't there are `null`.
 * - Comparisons are `true` or `false`. Equality is by value, and null equals null. Order exists only between
 *   two booleans (false first), two numbers or two strings (by code point); anything else is `false`.
 * - Only `true` counts as true: `and`, `or`, `not` and `conditional` take every other value for false.
 * - Arithmetic on what isn't a number, division by zero and results that no finite number holds are `null`.
 */
export type Expression =
  | Literal
  | PathExpression
  | Member
  | ListExpression
  | MapExpression
  | Compare
  | Logical
  | Not
  | Conditional
  | In
  | HasKey
  | TextTest
  | Arithmetic
  | Size
  | Quantifier
  | Search
  | Near
  | WithinRadius
  | WithinBox
  | Exists
  | Get
  | Parameter

interface Located {
  /** Only in rules. */
  readonly range?: SourceRange
}

export interface Literal extends Located {
  readonly kind: 'literal'
  readonly value: Json
}

/** A variable, or a field of it at a path known when parsing. An empty path is the whole variable. */
export interface PathExpression extends Located {
  readonly kind: 'path'
  readonly root: Root
  readonly path: FieldPath
}

/** `of[key]`: a field of an object (string key) or an element of a list (integer key from 0). */
interface Member extends Located {
  readonly kind: 'member'
  readonly of: Expression
  readonly key: Expression
}

interface ListExpression extends Located {
  readonly kind: 'list'
  readonly items: readonly Expression[]
}

interface MapExpression extends Located {
  readonly kind: 'map'
  readonly entries: readonly { readonly key: string; readonly value: Expression }[]
}

export interface Compare extends Located {
  readonly kind: 'compare'
  readonly operator: Comparison
  readonly left: Expression
  readonly right: Expression
}

export interface Logical extends Located {
  readonly kind: 'and' | 'or'
  readonly operands: readonly Expression[]
}

interface Not extends Located {
  readonly kind: 'not'
  readonly operand: Expression
}

interface Conditional extends Located {
  readonly kind: 'conditional'
  readonly test: Expression
  readonly whenTrue: Expression
  readonly whenFalse: Expression
}

/** Whether a list holds an element equal to the value; false for what isn't a list. */
export interface In extends Located {
  readonly kind: 'in'
  readonly value: Expression
  readonly list: Expression
}

/** Whether an object has the key, be its value null; false for what isn't an object. */
interface HasKey extends Located {
  readonly kind: 'hasKey'
  readonly key: Expression
  readonly map: Expression
}

export interface TextTest extends Located {
  readonly kind: 'text'
  readonly operator: TextOperator
  readonly text: Expression
  readonly part: Expression
}

/** On two numbers; `+` also joins two strings. `%` takes integers only. */
export interface Arithmetic extends Located {
  readonly kind: 'arithmetic'
  readonly operator: ArithmeticOperator
  readonly left: Expression
  readonly right: Expression
}

/** Code points of a string, elements of a list, keys of an object; null for the rest. */
interface Size extends Located {
  readonly kind: 'size'
  readonly of: Expression
}

/** `list.all(x, condition)` and its kin; false for what isn't a list. */
export interface Quantifier extends Located {
  readonly kind: 'quantifier'
  readonly name: QuantifierName
  readonly list: Expression
  readonly variable: LocalName
  readonly condition: Expression
}

/** Full text over the collection's search index. PostgreSQL only. */
interface Search extends Located {
  readonly kind: 'search'
  readonly query: string
}

/** Holds a valid point, at most `maxDistance` metres away. Also the order of the result, unless one is given. */
export interface Near extends Located {
  readonly kind: 'near'
  readonly path: FieldPath
  readonly point: GeoPoint
  readonly maxDistance?: number
}

/** Radius in metres along the great circle. */
export interface WithinRadius extends Located {
  readonly kind: 'withinRadius'
  readonly path: FieldPath
  readonly center: GeoPoint
  readonly radius: number
}

export interface WithinBox extends Located {
  readonly kind: 'withinBox'
  readonly path: FieldPath
  readonly box: GeoBox
}

/**
 * Whether the collection holds a document that the filter matches. In the filter `doc` is that document;
 * values from outside are its parameters, by number.
 */
export interface Exists extends Located {
  readonly kind: 'exists'
  readonly collection: string
  readonly filter: Expression
  readonly parameters: readonly Expression[]
}

/** The document of the collection with this id, or null. */
export interface Get extends Located {
  readonly kind: 'get'
  readonly collection: string
  readonly id: Expression
}

/** Stands only in the filter of an `exists`. */
interface Parameter extends Located {
  readonly kind: 'parameter'
  readonly index: number
}

export const always: Expression = { kind: 'literal', value: true }
export const never: Expression = { kind: 'literal', value: false }

export function literal(value: Json): Literal {
  return { kind: 'literal', value }
}

export function documentPath(path: FieldPath): PathExpression {
  return { kind: 'path', root: 'doc', path }
}

/** True when all are: `allOf([filter, rule])`. None at all is true. */
export function allOf(operands: readonly Expression[]): Expression {
  const only = operands[0]
  if (only === undefined) return always
  return operands.length === 1 ? only : { kind: 'and', operands }
}

/** True when at least one is. None at all is false. */
export function anyOf(operands: readonly Expression[]): Expression {
  const only = operands[0]
  if (only === undefined) return never
  return operands.length === 1 ? only : { kind: 'or', operands }
}
