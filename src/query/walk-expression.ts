import type { Expression } from './expression.ts'
import type { FieldPath } from './field-path.ts'
import type { SearchIndex } from './sql-context.ts'

/** The direct parts of an expression, in the order of evaluation. The filter of an `exists` is not one of them. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'member':
      return [expression.of, expression.key]
    case 'list':
      return expression.items
    case 'map':
      return expression.entries.map((entry) => entry.value)
    case 'compare':
    case 'arithmetic':
      return [expression.left, expression.right]
    case 'and':
    case 'or':
      return expression.operands
    case 'not':
      return [expression.operand]
    case 'conditional':
      return [expression.test, expression.whenTrue, expression.whenFalse]
    case 'in':
      return [expression.value, expression.list]
    case 'hasKey':
      return [expression.key, expression.map]
    case 'text':
      return [expression.text, expression.part]
    case 'size':
      return [expression.of]
    case 'quantifier':
      return [expression.list, expression.condition]
    case 'exists':
      return expression.parameters
    case 'get':
      return [expression.id]
    case 'literal':
    case 'path':
    case 'search':
    case 'near':
    case 'withinRadius':
    case 'withinBox':
    case 'parameter':
      return []
  }
}

/** The same expression with every direct part replaced. */
export function mapParts(expression: Expression, map: (part: Expression) => Expression): Expression {
  switch (expression.kind) {
    case 'member':
      return { ...expression, of: map(expression.of), key: map(expression.key) }
    case 'list':
      return { ...expression, items: expression.items.map(map) }
    case 'map':
      return {
        ...expression,
        entries: expression.entries.map(({ key, value }) => ({ key, value: map(value) })),
      }
    case 'compare':
    case 'arithmetic':
      return { ...expression, left: map(expression.left), right: map(expression.right) }
    case 'and':
    case 'or':
      return { ...expression, operands: expression.operands.map(map) }
    case 'not':
      return { ...expression, operand: map(expression.operand) }
    case 'conditional':
      return {
        ...expression,
        test: map(expression.test),
        whenTrue: map(expression.whenTrue),
        whenFalse: map(expression.whenFalse),
      }
    case 'in':
      return { ...expression, value: map(expression.value), list: map(expression.list) }
    case 'hasKey':
      return { ...expression, key: map(expression.key), map: map(expression.map) }
    case 'text':
      return { ...expression, text: map(expression.text), part: map(expression.part) }
    case 'size':
      return { ...expression, of: map(expression.of) }
    case 'quantifier':
      return { ...expression, list: map(expression.list), condition: map(expression.condition) }
    case 'exists':
      return { ...expression, parameters: expression.parameters.map(map) }
    case 'get':
      return { ...expression, id: map(expression.id) }
    case 'literal':
    case 'path':
    case 'search':
    case 'near':
    case 'withinRadius':
    case 'withinBox':
    case 'parameter':
      return expression
  }
}

/** Whether the test is true of the expression or of any part of it. */
export function some(expression: Expression, test: (part: Expression) => boolean): boolean {
  return test(expression) || partsOf(expression).some((part) => some(part, test))
}

/** Whether the value depends on `doc` or `before`. What doesn't is decided once for a whole request. */
export function usesDocument(expression: Expression): boolean {
  return some(
    expression,
    (part) =>
      part.kind === 'search' ||
      isGeo(part) ||
      (part.kind === 'path' && (part.root === 'doc' || part.root === 'before')),
  )
}

/** Whether the value changes with the clock: rules may look at `request.time`. */
export function usesTime(expression: Expression): boolean {
  return some(
    expression,
    (part) => part.kind === 'path' && part.root === 'request' && (part.path[0] ?? 'time') === 'time',
  )
}

/** The fields of `doc` that the value depends on, each once, a search's fields too. `[]` is the whole document. */
export function fieldPaths(expression: Expression, search?: SearchIndex): FieldPath[] {
  const paths = new Map<string, FieldPath>()
  const add = (path: FieldPath): unknown => paths.set(path.join('.'), path)
  const visit = (part: Expression): void => {
    if (part.kind === 'path' && part.root === 'doc') add(part.path)
    else if (part.kind === 'search') search?.fields.forEach(add)
    else if (isGeo(part)) add(part.path)
    partsOf(part).forEach(visit)
  }
  visit(expression)
  return [...paths.values()]
}

function isGeo(
  part: Expression,
): part is Extract<Expression, { kind: 'near' | 'withinRadius' | 'withinBox' }> {
  return part.kind === 'near' || part.kind === 'withinRadius' || part.kind === 'withinBox'
}
