import { invalidRequest, type Issue } from '../platform/errors.ts'

/** In bytes of JSON. Claims travel in every token. */
export const maxBytes = { profile: 16_384, claims: 4_096 } as const

const maxDepth = 8
const prototypeNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * Checks small JSON that users or servers say of a user: names that JavaScript takes for more than names, text that
 * PostgreSQL can't store, depth, and size in bytes. Throws 400 with the path of each fault.
 */
export function checkJson(value: object, path: string, maxBytes: number): void {
  const issues: Issue[] = []
  checkValue(issues, value, path, 1)
  if (Buffer.byteLength(JSON.stringify(value)) > maxBytes) {
    issues.push({ path, code: 'too_large', message: `takes more than ${maxBytes} bytes` })
  }
  if (issues.length > 0) throw invalidRequest(issues.slice(0, 50))
}

function checkValue(issues: Issue[], value: unknown, path: string, depth: number): void {
  if (typeof value === 'string') checkText(issues, value, path)
  if (typeof value !== 'object' || value === null) return
  if (depth > maxDepth) {
    issues.push({ path, code: 'too_deep', message: `is nested deeper than ${maxDepth} levels` })
    return
  }
  for (const [name, item] of Object.entries(value)) {
    const at = Array.isArray(value) ? `${path}[${name}]` : `${path}.${name}`
    if (prototypeNames.has(name)) issues.push({ path: at, code: 'reserved', message: 'is a reserved name' })
    checkText(issues, name, at)
    checkValue(issues, item, at, depth + 1)
  }
}

function checkText(issues: Issue[], text: string, path: string): void {
  if (text.isWellFormed() && !text.includes('\0')) return
  issues.push({ path, code: 'invalid_text', message: 'holds characters that can not be stored' })
}
