import type { Expression } from './expression.ts'
import { isJsonArray } from './json.ts'

/** What can be said of a value before there is one. Undefined: nothing, as of every field. */
export type StaticType = 'null' | 'boolean' | 'number' | 'text' | 'list' | 'map' | undefined

export function staticType(expression: Expression): StaticType {
  switch (expression.kind) {
    case 'literal':
      return typeOfLiteral(expression)
    case 'list':
    case 'map':
      return expression.kind
    case 'arithmetic':
      return expression.operator === '+'
        ? sumType(staticType(expression.left), staticType(expression.right))
        : 'number'
    case 'size':
      return 'number'
    case 'conditional':
      return commonType(staticType(expression.whenTrue), staticType(expression.whenFalse))
    case 'path':
    case 'member':
    case 'get':
    case 'parameter':
      return undefined
    default:
      return 'boolean'
  }
}

function typeOfLiteral({ value }: Extract<Expression, { kind: 'literal' }>): StaticType {
  if (value === null) return 'null'
  if (typeof value === 'string') return 'text'
  if (typeof value === 'number') return 'number'
  if (typeof value === 'boolean') return 'boolean'
  return isJsonArray(value) ? 'list' : 'map'
}

function sumType(left: StaticType, right: StaticType): StaticType {
  return left ?? right
}

function commonType(left: StaticType, right: StaticType): StaticType {
  return left === right ? left : undefined
}
