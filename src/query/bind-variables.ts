import { compilePredicate } from './compile-predicate.ts'
import { allOf, always, anyOf, literal, never } from './expression.ts'
import type { Expression, LocalName, Logical, Root, Variable } from './expression.ts'
import { isJsonArray, isJsonObject, memberOf } from './json.ts'
import type { Json } from './json.ts'
import { mapParts, partsOf } from './walk-expression.ts'

/** What is the same for every document of a request, or for all that is said in a channel. */
export type KnownVariables = Readonly<Partial<Record<Variable, Json>>>

/**
 * Puts the values of variables into a rule, mostly `auth` and `request`, and evaluates what then depends on nothing
 * else. A rule that concerns only the caller becomes `true` or `false`, and SQL is made of what is left.
 */
export function bindVariables(expression: Expression, variables: KnownVariables): Expression {
  const known = new Map<Root, Json>()
  for (const [name, value] of Object.entries(variables)) known.set(name as Variable, storable(value))
  const bind = (part: Expression): Expression => {
    const value = part.kind === 'path' ? known.get(part.root) : undefined
    if (part.kind === 'path' && value !== undefined) {
      return located(literal(part.path.reduce(memberOf, value)), part)
    }
    return located(fold(mapParts(part, bind)), part)
  }
  return bind(expression)
}

function located(folded: Expression, original: Expression): Expression {
  return original.range === undefined ? folded : { ...folded, range: original.range }
}

function fold(expression: Expression): Expression {
  if (expression.kind === 'and' || expression.kind === 'or') return foldLogical(expression)
  if (expression.kind === 'conditional' && expression.test.kind === 'literal') {
    return expression.test.value === true ? expression.whenTrue : expression.whenFalse
  }
  if (expression.kind === 'literal' || !isClosed(expression, [])) return expression
  return literal(compilePredicate(expression).value({}))
}

function foldLogical({ kind, operands }: Logical): Expression {
  const deciding = kind === 'or'
  const open = operands.filter((operand) => operand.kind !== 'literal' || isTrue(operand) === deciding)
  if (open.some((operand) => operand.kind === 'literal')) return deciding ? always : never
  // A single operand keeps its `and`: what isn't a boolean counts as false, and so it must stay.
  if (open.length === 1) return { kind, operands: open }
  return deciding ? anyOf(open) : allOf(open)
}

function isTrue(operand: Expression): boolean {
  return operand.kind === 'literal' && operand.value === true
}

/** Whether the value depends on nothing but the expression itself. */
function isClosed(expression: Expression, locals: readonly LocalName[]): boolean {
  switch (expression.kind) {
    case 'literal':
      return true
    case 'path':
      return locals.some((local) => local === expression.root)
    case 'quantifier':
      return (
        isClosed(expression.list, locals) && isClosed(expression.condition, [...locals, expression.variable])
      )
    case 'exists':
    case 'get':
    case 'search':
    case 'near':
    case 'withinRadius':
    case 'withinBox':
    case 'parameter':
      return false
    default:
      return partsOf(expression).every((part) => isClosed(part, locals))
  }
}

// Claims and headers may hold what PostgreSQL's text can't. No stored text equals it, whatever stands instead.
function storable(value: Json): Json {
  if (typeof value === 'string') return storableText(value)
  if (isJsonArray(value)) return value.map(storable)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storableText(key), storable(item)]))
}

function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\u{FFFD}')
}
