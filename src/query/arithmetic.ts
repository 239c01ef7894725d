import type { ArithmeticOperator } from './expression.ts'
import type { Json } from './json.ts'

const highest = Number.MAX_VALUE
const lowest = 1e-290

/**
 * Total arithmetic: null where an operand isn't a number or no finite number is the result.
 * PostgreSQL fails at overflow and underflow, so `basalt.arithmetic` guards each operation beforehand;
 * the guards here are the same ones, which makes both back ends agree to the last bit.
 */
export function calculate(operator: ArithmeticOperator, left: Json, right: Json): Json {
  if (operator === '+' && typeof left === 'string' && typeof right === 'string') return left + right
  if (typeof left !== 'number' || typeof right !== 'number') return null
  switch (operator) {
    case '+':
      return add(left, right)
    case '-':
      return add(left, -right)
    case '*':
      return multiply(left, right)
    case '/':
      return divide(left, right)
    case '%':
      return remainder(left, right)
  }
}

function add(a: number, b: number): Json {
  if (Math.sign(a) === Math.sign(b) && Math.abs(a) >= highest - Math.abs(b)) return null
  return withoutNegativeZero(a + b)
}

function multiply(a: number, b: number): Json {
  const [x, y] = [Math.abs(a), Math.abs(b)]
  if (y > 1 && x >= highest / y) return null
  if (a === 0 || b === 0 || (x < 1 && y < 1 && x < lowest / y)) return 0
  return a * b
}

function divide(a: number, b: number): Json {
  const [x, y] = [Math.abs(a), Math.abs(b)]
  if (b === 0 || (y < 1 && x >= highest * y)) return null
  if (y > 1 && x < lowest * y) return 0
  return withoutNegativeZero(a / b)
}

function remainder(a: number, b: number): Json {
  if (b === 0 || !Number.isSafeInteger(a) || !Number.isSafeInteger(b)) return null
  return withoutNegativeZero(a % b)
}

function withoutNegativeZero(value: number): number {
  return value === 0 ? 0 : value
}
