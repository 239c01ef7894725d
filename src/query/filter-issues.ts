import { invalidRequest } from '../platform/errors.ts'
import type { Issue } from '../platform/errors.ts'
import { isStorable } from './field-path.ts'
import { isJsonObject } from './json.ts'
import type { Json } from './json.ts'

/** How much one filter may ask for. */
export interface FilterLimits {
  readonly filterDepth: number
  readonly filterTerms: number
  /** In a list: `$in` and its kin. */
  readonly filterInValues: number
}

const defaultLimits: FilterLimits = { filterDepth: 8, filterTerms: 64, filterInValues: 256 }
const maxIssues = 100
const maxTextLength = 8192
const maxValueDepth = 20
const maxValueNodes = 1024

/** Collects the faults of a filter, so that all are told at once: up to a hundred, since the answer is bounded too. */
export class FilterIssues {
  readonly limits: FilterLimits
  readonly #issues: Issue[] = []
  #terms = 0

  constructor(limits: FilterLimits = defaultLimits) {
    this.limits = limits
  }

  add(path: string, code: string, message: string): void {
    if (this.#issues.length < maxIssues) this.#issues.push({ path, code, message })
  }

  countTerm(path: string): void {
    this.#terms++
    if (this.#terms === this.limits.filterTerms + 1) {
      this.add(path, 'too_many_terms', `A filter has at most ${this.limits.filterTerms} terms.`)
    }
  }

  throwIfAny(): void {
    if (this.#issues.length > 0) throw invalidRequest(this.#issues)
  }

  /** Whether a comparison may take the value; what is wrong with it becomes an issue. */
  isValue(value: unknown, path: string): value is Json {
    const fault = describeValueFault(value)
    if (fault !== undefined) this.add(path, 'invalid_value', fault)
    return fault === undefined
  }
}

/** What is wrong with a value that a document could not hold either, or undefined when nothing is. */
function describeValueFault(value: unknown): string | undefined {
  const budget = { nodes: maxValueNodes }
  return faultOf(value, maxValueDepth, budget)
}

function faultOf(value: unknown, depth: number, budget: { nodes: number }): string | undefined {
  if (--budget.nodes < 0) return `A value has at most ${maxValueNodes} parts.`
  if (depth < 0) return `A value is nested at most ${maxValueDepth} deep.`
  if (value === null || typeof value === 'boolean') return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'A number must be finite.'
  if (typeof value === 'string') return textFault(value)
  if (Array.isArray(value)) return firstFault(value, depth, budget)
  if (!isJsonObject(value)) return 'This is not a JSON value.'
  return firstFault(Object.keys(value), depth, budget) ?? firstFault(Object.values(value), depth, budget)
}

function firstFault(
  values: readonly unknown[],
  depth: number,
  budget: { nodes: number },
): string | undefined {
  for (const value of values) {
    const fault = faultOf(value, depth - 1, budget)
    if (fault !== undefined) return fault
  }
  return undefined
}

function textFault(text: string): string | undefined {
  if (text.length > maxTextLength) return `A text has at most ${maxTextLength} characters.`
  return isStorable(text) ? undefined : 'A text holds a character that can not be stored.'
}
