import type { ASTNode, BinaryOperator } from '@marcbachmann/cel-js'
import { existsCall, getCall } from './convert-lookup.ts'
import type {
  ArithmeticOperator,
  Comparison,
  Expression,
  LocalName,
  QuantifierName,
  Root,
  Variable,
} from './expression.ts'
import { literal } from './expression.ts'
import { describePathFault, describeSegmentFault, isPrototypeName, isStorable } from './field-path.ts'
import type { Json } from './json.ts'
import { RuleFault } from './rule-fault.ts'
import { argumentOf, mapKey, rangeOf } from './rule-syntax.ts'
import { staticType } from './rule-types.ts'
import type { StaticType } from './rule-types.ts'

interface Context {
  readonly variables: readonly Variable[]
  readonly locals: ReadonlyMap<string, LocalName>
  readonly count: { locals: number; lookups: number }
}

/** The tree of a rule's syntax as an expression. Throws RuleFault. */
export function convertRule(ast: ASTNode, variables: readonly Variable[]): Expression {
  return convert(ast, { variables, locals: new Map(), count: { locals: 0, lookups: 0 } })
}

function convert(node: ASTNode, context: Context): Expression {
  return { ...convertBare(node, context), range: rangeOf(node) }
}

function convertBare(node: ASTNode, context: Context): Expression {
  switch (node.op) {
    case 'value':
      return literal(literalValue(node, node.args))
    case 'id':
      return variable(node, node.args, context)
    case '.':
      return field(node, convert(node.args[0], context), node.args[1])
    case '[]':
      return element(node, node.args, context)
    case 'call':
      return call(node, node.args[0], node.args[1], context)
    case 'rcall':
      return methodCall(node, node.args[0], node.args[1], node.args[2], context)
    case 'list':
      return list(node.args.map((item) => convert(item, context)))
    case 'map':
      return map(node.args.map(([key, value]) => ({ key: mapKey(key), value: convert(value, context) })))
    case '?:':
      return conditional(node.args, context)
    case '&&':
    case '||':
      return logical(node.op === '&&' ? 'and' : 'or', node.args, context)
    case '!_':
      return { kind: 'not', operand: typed(node.args, ['boolean'], context) }
    case '-_':
      return negative(typed(node.args, ['number'], context))
    case '.?':
    case '[?]':
      throw new RuleFault(rangeOf(node), 'Optional access is not available: a missing field is null anyway.')
    default:
      return binary(node, node.op, node.args, context)
  }
}

function literalValue(node: ASTNode, value: unknown): Json {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') {
    if (isStorable(value)) return value
    throw new RuleFault(rangeOf(node), 'A text holds a character that can not be stored.')
  }
  if (typeof value !== 'bigint' && typeof value !== 'number') {
    throw new RuleFault(rangeOf(node), 'There are no bytes and no unsigned numbers here.')
  }
  const number = Number(value)
  const isExact = typeof value === 'bigint' ? Number.isSafeInteger(number) : Number.isFinite(number)
  if (isExact) return number
  throw new RuleFault(rangeOf(node), 'This number can not be held exactly.')
}

function variable(node: ASTNode, name: string, { locals, variables }: Context): Expression {
  const local = locals.get(name)
  if (local !== undefined) return { kind: 'path', root: local, path: [] }
  const known = variables.find((each) => each === name)
  if (known !== undefined) return { kind: 'path', root: known, path: [] }
  if (name === 'before' && variables.includes('doc')) {
    throw new RuleFault(rangeOf(node), 'before is not available here: nothing is written.')
  }
  throw new RuleFault(rangeOf(node), `${name} is not a variable. There are ${listOf(variables)}.`)
}

/** Of the variables that are not of the project's own making. */
const membersOf = new Map<Root, readonly string[]>([
  ['request', ['time', 'ip']],
  ['channel', ['name', 'segments']],
  ['message', ['event', 'size']],
])

function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

function field(node: ASTNode, of: Expression, name: string): Expression {
  if (of.kind !== 'path') {
    const fault = describeSegmentFault(name)
    if (fault !== undefined) throw new RuleFault(rangeOf(node), fault)
    return { kind: 'member', of, key: literal(name) }
  }
  const path = [...of.path, name]
  const isDocument = of.root === 'doc' || of.root === 'before'
  const fault = isDocument
    ? describePathFault(path)
    : isPrototypeName(name)
      ? `The name ${name} is reserved.`
      : undefined
  if (fault !== undefined) throw new RuleFault(rangeOf(node), fault)
  const members = of.path.length === 0 ? membersOf.get(of.root) : undefined
  if (members !== undefined && !members.includes(name)) {
    throw new RuleFault(rangeOf(node), `${of.root} has no ${name}. There are ${listOf(members)}.`)
  }
  return { kind: 'path', root: of.root, path }
}

function element(node: ASTNode, [base, index]: readonly [ASTNode, ASTNode], context: Context): Expression {
  const of = convert(base, context)
  const key = typed(index, ['number', 'text'], context)
  if (key.kind === 'literal' && typeof key.value === 'string') return field(node, of, key.value)
  return { kind: 'member', of, key }
}

function list(items: readonly Expression[]): Expression {
  const values = items.flatMap((item) => (item.kind === 'literal' ? [item.value] : []))
  return values.length === items.length ? literal(values) : { kind: 'list', items }
}

function map(entries: readonly { key: string; value: Expression }[]): Expression {
  const values = entries.flatMap(({ key, value }) =>
    value.kind === 'literal' ? [[key, value.value] as const] : [],
  )
  return values.length === entries.length ? literal(Object.fromEntries(values)) : { kind: 'map', entries }
}

/** Converts a part whose type, as far as it is known, must be one of these. */
function typed(node: ASTNode, expected: readonly StaticType[], context: Context): Expression {
  const expression = convert(node, context)
  const type = staticType(expression)
  if (type === undefined || expected.includes(type)) return expression
  throw new RuleFault(rangeOf(node), `This is a ${type}, where a ${expected.join(' or a ')} is needed.`)
}

function conditional([test, yes, no]: readonly [ASTNode, ASTNode, ASTNode], context: Context): Expression {
  const condition = typed(test, ['boolean'], context)
  return {
    kind: 'conditional',
    test: condition,
    whenTrue: convert(yes, context),
    whenFalse: convert(no, context),
  }
}

/** `a && b && c` is one conjunction of three, so that it reads and refuses by its members. */
function logical(kind: 'and' | 'or', nodes: readonly ASTNode[], context: Context): Expression {
  const operands = nodes
    .map((node) => typed(node, ['boolean'], context))
    .flatMap((operand) => (operand.kind === kind ? operand.operands : [operand]))
  return { kind, operands }
}

function negative(operand: Expression): Expression {
  if (operand.kind === 'literal' && typeof operand.value === 'number') return literal(0 - operand.value)
  return { kind: 'arithmetic', operator: '-', left: literal(0), right: operand }
}

const comparisons = { '==': 'eq', '!=': 'ne', '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' } as const

function binary(
  node: ASTNode,
  operator: BinaryOperator,
  [left, right]: readonly [ASTNode, ASTNode],
  context: Context,
): Expression {
  switch (operator) {
    case 'in':
      return membership(convert(left, context), typed(right, ['list', 'map'], context))
    case '==':
    case '!=':
      return {
        kind: 'compare',
        operator: comparisons[operator],
        left: convert(left, context),
        right: convert(right, context),
      }
    case '<':
    case '<=':
    case '>':
    case '>=':
      return ordered(node, comparisons[operator], left, right, context)
    default:
      return calculation(node, operator, left, right, context)
  }
}

/** `x in list`, or `key in map`: which of both shows when the right side has a value. */
function membership(value: Expression, container: Expression): Expression {
  const type = staticType(container)
  const inList: Expression = { kind: 'in', value, list: container }
  const inMap: Expression = { kind: 'hasKey', key: value, map: container }
  if (type === undefined) return { kind: 'or', operands: [inList, inMap] }
  return type === 'list' ? inList : inMap
}

function ordered(
  node: ASTNode,
  operator: Comparison,
  left: ASTNode,
  right: ASTNode,
  context: Context,
): Expression {
  const expected: StaticType[] = ['number', 'text', 'boolean']
  const [a, b] = [typed(left, expected, context), typed(right, expected, context)]
  refuseMix(node, staticType(a), staticType(b))
  return { kind: 'compare', operator, left: a, right: b }
}

function calculation(
  node: ASTNode,
  operator: ArithmeticOperator,
  left: ASTNode,
  right: ASTNode,
  context: Context,
): Expression {
  const expected: StaticType[] = operator === '+' ? ['number', 'text'] : ['number']
  const [a, b] = [typed(left, expected, context), typed(right, expected, context)]
  refuseMix(node, staticType(a), staticType(b))
  return { kind: 'arithmetic', operator, left: a, right: b }
}

function refuseMix(node: ASTNode, left: StaticType, right: StaticType): void {
  if (left === undefined || right === undefined || left === right) return
  throw new RuleFault(rangeOf(node), `A ${left} and a ${right} can not be put together.`)
}

function call(node: ASTNode, name: string, args: readonly ASTNode[], context: Context): Expression {
  switch (name) {
    case 'has':
      return present(convert(argumentOf(node, name, args, 0, 1), context))
    case 'size':
      return { kind: 'size', of: sized(argumentOf(node, name, args, 0, 1), context) }
    case 'exists':
      return existsCall(node, args, lookupContext(context))
    case 'get':
      return getCall(node, args, lookupContext(context))
    default:
      throw unknownFunction(node, name)
  }
}

function methodCall(
  node: ASTNode,
  name: string,
  of: ASTNode,
  args: readonly ASTNode[],
  context: Context,
): Expression {
  switch (name) {
    case 'size':
      if (args.length > 0) throw new RuleFault(rangeOf(node), 'size takes no argument here.')
      return { kind: 'size', of: sized(of, context) }
    case 'startsWith':
    case 'endsWith':
    case 'contains': {
      const part = typed(argumentOf(node, name, args, 0, 1), ['text'], context)
      return { kind: 'text', operator: name, text: typed(of, ['text'], context), part }
    }
    case 'all':
    case 'exists':
    case 'exists_one':
      return quantifier(node, name, of, args, context)
    default:
      throw unknownFunction(node, name)
  }
}

function unknownFunction(node: ASTNode, name: string): RuleFault {
  if (name !== 'matches') return new RuleFault(rangeOf(node), `${name} is not a function.`)
  return new RuleFault(
    rangeOf(node),
    'There are no regular expressions: use startsWith, endsWith or contains.',
  )
}

function present(of: Expression): Expression {
  return { kind: 'compare', operator: 'ne', left: of, right: literal(null) }
}

function sized(node: ASTNode, context: Context): Expression {
  return typed(node, ['text', 'list', 'map'], context)
}

function quantifier(
  node: ASTNode,
  name: QuantifierName,
  of: ASTNode,
  args: readonly ASTNode[],
  context: Context,
): Expression {
  const item = argumentOf(node, name, args, 0, 2)
  const body = argumentOf(node, name, args, 1, 2)
  if (item.op !== 'id') throw new RuleFault(rangeOf(item), 'This must be the name of a variable.')
  if (context.variables.some((name) => name === item.args))
    throw new RuleFault(rangeOf(item), `${item.args} is a variable already.`)
  const local: LocalName = `local${context.count.locals++}`
  const inner = { ...context, locals: new Map(context.locals).set(item.args, local) }
  const condition = typed(body, ['boolean'], inner)
  return { kind: 'quantifier', name, list: typed(of, ['list'], context), variable: local, condition }
}

function lookupContext(context: Context): Parameters<typeof getCall>[2] {
  return {
    convert: (node) => convert(node, context),
    convertText: (node) => typed(node, ['text'], context),
    count: context.count,
  }
}
