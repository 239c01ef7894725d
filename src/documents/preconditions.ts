import { invalidValue } from '../platform/errors.ts'
import type { Precondition } from './writing/write-context.ts'

/** The entity tag of a version: `"3"` (RFC 9110, section 8.8.3). */
export function etagOf(version: number): string {
  return `"${version}"`
}

/** Whether a reader who sends `If-None-Match` has this version already. Weak tags count (RFC 9110, section 13.1.2). */
export function isKnownVersion(ifNoneMatch: string | undefined, version: number): boolean {
  if (ifNoneMatch === undefined) return false
  const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes('*') || tags.includes(etagOf(version))
}

/** Reads `If-Match` and `If-None-Match` of a write. Throws 400 for what is not a tag of a version. */
export function readPrecondition(headers: {
  'if-match'?: string | undefined
  'if-none-match'?: string | undefined
}): Precondition {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  if (noneMatch !== undefined && noneMatch !== '*') {
    throw invalidValue('If-None-Match', 'takes * for writes', 'invalid_header')
  }
  if (match === undefined) return noneMatch === undefined ? {} : { ifAbsent: true }
  if (match === '*') return { ifPresent: true }
  const version = /^"([1-9]\d{0,15})"$/.exec(match)?.[1]
  if (version === undefined)
    throw invalidValue('If-Match', 'takes one entity tag such as "3"', 'invalid_header')
  return { ifVersion: Number(version) }
}
