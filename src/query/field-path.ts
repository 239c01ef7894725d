import { invalidValue } from '../platform/errors.ts'

/** The segments of a dotted path, `address.city` as `['address', 'city']`. */
export type FieldPath = readonly string[]

const maxPathSegments = 8
const maxSegmentLength = 128

/** Fields that stand beside the data, with the column that holds each. */
export const systemColumns: ReadonlyMap<string, string> = new Map([
  ['id', 'id'],
  ['createdAt', 'created_at'],
  ['updatedAt', 'updated_at'],
  ['version', 'version'],
])

const prototypeNames = new Set(['__proto__', 'constructor', 'prototype'])

/** Whether the name may stand in SQL as a literal, which an expression index needs to be found. */
export function isPlainFieldName(segment: string): boolean {
  return /^[A-Za-z0-9_]{1,64}$/.test(segment)
}

/** Names that reach into JavaScript's prototypes. Never read, in no variable. */
export function isPrototypeName(segment: string): boolean {
  return prototypeNames.has(segment)
}

/** What is wrong with a segment of a path into a document, or undefined when nothing is. */
export function describeSegmentFault(segment: string): string | undefined {
  if (segment.length === 0) return 'A path has an empty segment.'
  if (segment.length > maxSegmentLength) return `A segment has at most ${maxSegmentLength} characters.`
  if (!isStorable(segment)) return 'A segment holds a character that can not be stored.'
  if (segment.startsWith('$') || segment.startsWith('_') || isPrototypeName(segment)) {
    return `The name ${segment} is reserved.`
  }
  return undefined
}

/** What is wrong with a path into a document, or undefined when nothing is. */
export function describePathFault(path: FieldPath): string | undefined {
  if (path.length > maxPathSegments) return `A path has at most ${maxPathSegments} segments.`
  return path.map(describeSegmentFault).find((fault) => fault !== undefined)
}

/**
 * Reads a dotted path as it stands in filters, sorts and index declarations.
 * Fails with 400 `invalid_path` at `at`, the place in the request.
 */
export function parseFieldPath(text: string, at: string): FieldPath {
  const path = text.split('.')
  const fault = describePathFault(path)
  if (fault !== undefined) throw invalidValue(at, fault, 'invalid_path')
  return path
}

/** PostgreSQL's text has no NUL, and UTF-8 has no lone surrogates: no stored string equals such a one. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
