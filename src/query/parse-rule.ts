import { Environment, ParseError } from '@marcbachmann/cel-js'
import type { ASTNode } from '@marcbachmann/cel-js'
import type { Expression, Variable } from './expression.ts'
import { convertRule } from './convert-rule.ts'
import { invalidRule, RuleFault } from './rule-fault.ts'
import { staticType } from './rule-types.ts'

const maxSourceBytes = 4096

const language = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 400, maxDepth: 24, maxListElements: 256, maxMapEntries: 64, maxCallArguments: 8 },
})

interface RuleOptions {
  /** Where the rule stands in the request, for the fault: `rules.read`. */
  path: string
  /** What it may look at. `before` only where a document is written. */
  variables?: readonly Variable[]
}

/** What rules about documents look at. List rules become SQL, which knows no document before. */
export const documentVariables = {
  reading: ['auth', 'doc', 'request'],
  writing: ['auth', 'doc', 'before', 'request'],
} as const

/**
 * Reads a rule in CEL (the Common Expression Language):
 * `auth.uid == doc.owner || exists('members', {'team': doc.team, 'user': auth.uid})`.
 *
 * Variables: `auth` (null when anonymous), `doc`, `before` (null on create), `request` (`time`, `ip`).
 * Functions: `has`, `size`, `startsWith`, `endsWith`, `contains`, the macros `all`, `exists` and `exists_one`
 * on lists, and for other documents `exists(collection, filter)` and `get(collection, id)`: at most ten such
 * calls, two deep, their collection a literal.
 *
 * It differs from standard CEL where that would fail at run time, since a rule must always have an answer:
 * - a missing field is null, and so is a field of null; `has(x.y)` says that it is neither missing nor null;
 * - values of different types are unequal and have no order; only `true` counts as true, so `!null` is true;
 * - int, uint and double are one type of number: `5 / 2` is 2.5, and `%` takes integers only;
 * - arithmetic that has no finite result, or is on other things than numbers, is null;
 * - times are texts in ISO 8601 (`doc.expiresAt > request.time`); there are no timestamps, durations or bytes;
 * - there are no regular expressions, since matching one may take for ever.
 *
 * Fails with 400 `invalid_rule`, the message opening with line and column.
 */
export function parseRule(source: string, options: RuleOptions): Expression {
  try {
    const expression = convertRule(parseSource(source), options.variables ?? documentVariables.writing)
    const type = staticType(expression)
    if (type === undefined || type === 'boolean') return expression
    throw new RuleFault({ start: 0, end: source.length }, `A rule is true or false, and this is a ${type}.`)
  } catch (error) {
    if (error instanceof RuleFault) throw invalidRule(error, source, options.path)
    throw error
  }
}

function parseSource(source: string): ASTNode {
  if (Buffer.byteLength(source) > maxSourceBytes) {
    throw new RuleFault({ start: 0, end: 0 }, `A rule has at most ${maxSourceBytes} bytes.`)
  }
  try {
    return language.parse(source).ast
  } catch (error) {
    if (error instanceof ParseError) throw new RuleFault(error.range ?? { start: 0, end: 0 }, error.summary)
    throw error
  }
}
