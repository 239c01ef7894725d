import type { Limits } from '../../config.ts'
import { invalidRequest, type Issue } from '../../platform/errors.ts'
import type { JsonObject } from '../../query/json.ts'

type DataLimits = Pick<Limits, 'documentDepth' | 'documentFields'>

/** The system fields, which stand beside the data and are set by the server alone. */
const systemFields: ReadonlySet<string> = new Set(['id', 'createdAt', 'updatedAt', 'version'])

export function withoutSystemFields(document: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !systemFields.has(name)))
}

const prototypeNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])
const maxNameLength = 128
const maxIssues = 50

/**
 * Checks that the JSON of a document can be stored and read back as it is: depth, number of fields, reserved names,
 * and values that JSON text can carry but PostgreSQL or JavaScript can't. Throws 400 with the path of each fault.
 */
export function checkData(data: Readonly<Record<string, unknown>>, limits: DataLimits, path = ''): void {
  const check: Check = { limits, issues: [], fields: 0, isPatch: false }
  refuseSystemFields(check, data, path)
  checkObject(check, data, path, 1)
  if (check.fields > limits.documentFields) {
    add(check, path, 'too_many_fields', `has ${check.fields} fields; ${limits.documentFields} are allowed`)
  }
  if (check.issues.length > 0) throw invalidRequest(check.issues)
}

/** The same for a patch, in which objects with a `$` key are operators. What it leads to is checked as data later. */
export function checkPatch(patch: Readonly<Record<string, unknown>>, limits: DataLimits): void {
  const check: Check = { limits, issues: [], fields: 0, isPatch: true }
  refuseSystemFields(check, patch, '')
  checkObject(check, patch, '', 1)
  if (check.issues.length > 0) throw invalidRequest(check.issues)
}

interface Check {
  isPatch: boolean
  limits: DataLimits
  issues: Issue[]
  fields: number
}

function refuseSystemFields(check: Check, data: Readonly<Record<string, unknown>>, path: string): void {
  for (const name of Object.keys(data)) {
    if (systemFields.has(name)) add(check, joined(path, name), 'reserved', 'is set by the server')
  }
}

function checkObject(
  check: Check,
  object: Readonly<Record<string, unknown>>,
  path: string,
  depth: number,
): void {
  for (const [name, value] of Object.entries(object)) {
    check.fields += 1
    const fault = check.isPatch && depth > 1 && name.startsWith('$') ? undefined : nameFault(name)
    if (fault !== undefined) add(check, joined(path, name), 'reserved', fault)
    checkValue(check, value, joined(path, name), depth)
  }
}

function checkValue(check: Check, value: unknown, path: string, depth: number): void {
  if (typeof value === 'string') {
    const fault = textFault(value)
    if (fault !== undefined) add(check, path, 'invalid_text', fault)
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value))
      add(check, path, 'out_of_range', 'is beyond the range of a 64 bit floating point number')
  } else if (typeof value === 'object' && value !== null) {
    // An operator takes a level of its own: {"list": {"$append": …}}.
    if (depth >= check.limits.documentDepth + (check.isPatch ? 1 : 0)) {
      add(check, path, 'too_deep', `is nested deeper than ${check.limits.documentDepth} levels`)
    } else if (Array.isArray(value)) {
      value.forEach((item, at) => checkValue(check, item, `${path}[${at}]`, depth + 1))
    } else {
      checkObject(check, value as Record<string, unknown>, path, depth + 1)
    }
  }
}

function nameFault(name: string): string | undefined {
  if (name === '') return 'is an empty name'
  if (name.startsWith('$') || name.startsWith('_') || prototypeNames.has(name)) return 'is a reserved name'
  if (name.length > maxNameLength) return `is a name of more than ${maxNameLength} characters`
  return textFault(name)
}

function textFault(text: string): string | undefined {
  if (text.includes('\0')) return 'holds the character U+0000, which can not be stored'
  return text.isWellFormed() ? undefined : 'holds half of a surrogate pair'
}

function add(check: Check, path: string, code: string, message: string): void {
  if (check.issues.length < maxIssues) check.issues.push({ path, code, message })
}

function joined(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
