import { invalidValue } from '../platform/errors.ts'
import type { ApiError } from '../platform/errors.ts'
import type { SourceRange } from './expression.ts'

/** A fault of a rule at a place in its source. */
export class RuleFault extends Error {
  readonly range: SourceRange

  constructor(range: SourceRange, message: string) {
    super(message)
    this.range = range
  }
}

/** 400 `invalid_rule` that names line and column, both from 1. */
export function invalidRule(fault: RuleFault, source: string, path: string): ApiError {
  const before = source.slice(0, fault.range.start).split('\n')
  const column = (before.at(-1) ?? '').length + 1
  return invalidValue(path, `${before.length}:${column}: ${fault.message}`, 'invalid_rule')
}
