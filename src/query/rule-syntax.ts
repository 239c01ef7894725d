import type { ASTNode } from '@marcbachmann/cel-js'
import type { SourceRange } from './expression.ts'
import { isPrototypeName, isStorable } from './field-path.ts'
import { RuleFault } from './rule-fault.ts'

const textsAndParentheses = /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[()]/gs

/**
 * The range with the parentheses that belong to it. The parser's own range of `(a || b) && c` begins at `a`,
 * which leaves a text that nobody has written.
 */
function withParentheses(source: string, { start, end }: SourceRange): SourceRange {
  let open = 0
  let unopened = 0
  for (const [token] of source.slice(start, end).matchAll(textsAndParentheses)) {
    if (token === '(') open++
    else if (token === ')' && open > 0) open--
    else if (token === ')') unopened++
  }
  let [from, to] = [start, end]
  while (unopened-- > 0) from = source.lastIndexOf('(', from - 1)
  while (open-- > 0) to = source.indexOf(')', to) + 1
  return { start: from, end: to }
}

/** Where a part of the syntax stands. */
export function rangeOf({ input, start, end }: ASTNode): SourceRange {
  return withParentheses(input, { start, end })
}

/** The key of an entry of a map. Throws RuleFault when it isn't a literal text. */
export function mapKey(node: ASTNode): string {
  if (node.op !== 'value' || typeof node.args !== 'string') {
    throw new RuleFault(rangeOf(node), 'The keys of a map are texts.')
  }
  if (isStorable(node.args) && !isPrototypeName(node.args)) return node.args
  throw new RuleFault(rangeOf(node), `The name ${node.args} is reserved.`)
}

/** One of the arguments of a call that takes so many. Throws RuleFault when it has more or less. */
export function argumentOf(
  node: ASTNode,
  name: string,
  args: readonly ASTNode[],
  at: number,
  count: number,
): ASTNode {
  const argument = args[at]
  if (argument !== undefined && args.length === count) return argument
  throw new RuleFault(rangeOf(node), `${name} takes ${count === 1 ? 'one argument' : `${count} arguments`}.`)
}
