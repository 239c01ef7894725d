import { invalidValue } from '../platform/errors.ts'
import type { Precondition } from './writing/write-context.ts'

/** The entity tag of a version: `"3"` (RFC 9110, section 8.8.3). */
export function etagOf(version: number): string {
  return `"${version}"`
}

/** Reads `If-Match` and `If-None-Match`. Versions are what tags are made of, so a tag that is none matches nothing. */
export function readPrecondition(headers: {
  'if-match'?: string | undefined
  'if-none-match'?: string | undefined
}): Precondition {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  if (noneMatch !== undefined && noneMatch !== '*') {
    throw invalidValue('If-None-Match', 'takes * for writes', 'invalid_header')
  }
  if (match === undefined || match === '*') return noneMatch === undefined ? {} : { ifAbsent: true }
  const version = /^"([1-9]\d{0,15})"$/.exec(match)?.[1]
  if (version === undefined)
    throw invalidValue('If-Match', 'takes one entity tag such as "3"', 'invalid_header')
  return { ifVersion: Number(version) }
}
