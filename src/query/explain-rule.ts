import { compilePredicate, resolveLookups } from './compile-predicate.ts'
import type { LookupCall, Scope } from './compile-predicate.ts'
import type { Expression, SourceRange } from './expression.ts'
import type { Json } from './json.ts'
import { partsOf } from './walk-expression.ts'

/** A part of a rule with the value that it had. */
export interface ExplainedPart extends SourceRange {
  readonly text: string
  readonly value: Json
}

export interface Explanation {
  readonly allowed: boolean
  /** Every part of the rule, the whole first. Parts that depend on the variable of a list macro are left out. */
  readonly parts: readonly ExplainedPart[]
  /** The smallest part that made the rule refuse; undefined when it allowed. */
  readonly refusedBy: ExplainedPart | undefined
}

/**
 * Evaluates a rule and tells what every part of it came to, and which refused.
 * @param source the text that the rule was parsed from
 */
export async function explainRule(
  rule: Expression,
  source: string,
  scope: Scope,
  answer: (call: LookupCall) => Promise<Json>,
): Promise<Explanation> {
  const calls = new Map<string, Promise<Json>>()
  const answerOnce = (call: LookupCall): Promise<Json> => {
    const key = JSON.stringify(call)
    const known = calls.get(key) ?? answer(call)
    calls.set(key, known)
    return known
  }
  const valueOf = async (part: Expression): Promise<Json> => {
    const predicate = compilePredicate(part)
    return predicate.value(await resolveLookups(predicate, scope, answerOnce))
  }
  const explain = async (part: Expression): Promise<ExplainedPart> => {
    const { start, end } = part.range ?? { start: 0, end: source.length }
    return { text: source.slice(start, end), start, end, value: await valueOf(part) }
  }
  const parts: ExplainedPart[] = []
  for (const part of explainedParts(rule)) parts.push(await explain(part))
  const refusal = await findRefusal(rule, async (part) => (await valueOf(part)) === true)
  return {
    allowed: refusal === undefined,
    parts,
    refusedBy: refusal === undefined ? undefined : await explain(refusal),
  }
}

function explainedParts(expression: Expression): Expression[] {
  const inner = expression.kind === 'quantifier' ? [expression.list] : partsOf(expression)
  // What the parser added, such as the null in `has(…)`, stands nowhere in the source.
  const self = expression.range === undefined ? [] : [expression]
  return [...self, ...inner.flatMap(explainedParts)]
}

/** An `and` is refused by its first part that isn't true; an `or` by the whole of it, for every part did. */
async function findRefusal(
  expression: Expression,
  holds: (part: Expression) => Promise<boolean>,
): Promise<Expression | undefined> {
  if (await holds(expression)) return undefined
  if (expression.kind === 'conditional') {
    return findRefusal((await holds(expression.test)) ? expression.whenTrue : expression.whenFalse, holds)
  }
  if (expression.kind !== 'and') return expression
  for (const operand of expression.operands) {
    const refusal = await findRefusal(operand, holds)
    if (refusal !== undefined) return refusal
  }
  return expression
}
