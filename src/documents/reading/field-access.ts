import type { Queryable } from '../../platform/database.ts'
import { isJudgedByRules } from '../../projects/actor.ts'
import { bindVariables } from '../../query/bind-variables.ts'
import type { FieldPath } from '../../query/field-path.ts'
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../query/json.ts'
import { holds } from '../ask-rule.ts'
import { type Caller, ruleVariables } from '../caller.ts'
import type { Collection, FieldRules } from '../collections/collection.ts'
import type { Documents } from '../documents.ts'
import { fieldRefused } from '../errors.ts'

/** A field with a rule that the caller's identity alone does not satisfy. */
export interface GuardedField {
  path: FieldPath
  rule: NonNullable<FieldRules['read']>
}

/** The fields that this caller may not see in every document, whatever stands in it. */
export function guardedFields(caller: Caller, collection: Collection): GuardedField[] {
  if (!isJudgedByRules(caller.actor)) return []
  return collection.fieldRules.flatMap(({ path, read }) => {
    if (read === undefined) return []
    const bound = bindVariables(read.expression, ruleVariables(caller))
    return bound.kind === 'literal' && bound.value === true ? [] : [{ path, rule: read }]
  })
}

/**
 * Refuses to filter, sort, group, or count by a field that the caller may not see in every document: which documents
 * come back would tell what stands in it. A path inside of the field, or around it, is the field too.
 */
export function refuseHiddenPaths(guarded: readonly GuardedField[], paths: readonly FieldPath[]): void {
  for (const path of paths) {
    if (guarded.some((field) => overlaps(field.path, path))) throw fieldRefused(path.join('.'), 'read')
  }
}

/** The document without the fields that the caller may not see in it. */
export async function withoutHiddenFields(
  documents: Documents,
  db: Queryable,
  caller: Caller,
  guarded: readonly GuardedField[],
  document: JsonObject,
): Promise<JsonObject> {
  let visible = document
  for (const { path, rule } of guarded) {
    if (!hasField(document, path)) continue
    const isVisible = await holds(documents, db, caller, rule, { doc: () => document })
    if (!isVisible) visible = withoutField(visible, path)
  }
  return visible
}

function overlaps(a: FieldPath, b: FieldPath): boolean {
  const shorter = a.length < b.length ? a : b
  return shorter.every((segment, at) => a[at] === segment && b[at] === segment)
}

function hasField(value: Json, path: FieldPath): boolean {
  return fieldAt(value, path) !== undefined
}

/**
 * The value at a path; undefined when it isn't there, which is not the same as null. In a list of objects the
 * path leads into each of them, and the value is the list of what stands there.
 */
export function fieldAt(value: Json, path: FieldPath): Json | undefined {
  const [first, ...rest] = path
  if (first === undefined) return value
  if (isJsonArray(value)) {
    const found = value.map((item) => fieldAt(item, path))
    return found.every((item) => item === undefined) ? undefined : found.map((item) => item ?? null)
  }
  if (!isJsonObject(value) || !Object.hasOwn(value, first)) return undefined
  return fieldAt(value[first] ?? null, rest)
}

/** A copy without the field, also in each object of a list; what is around it stays. */
function withoutField(document: JsonObject, path: FieldPath): JsonObject {
  const [first, ...rest] = path
  if (first === undefined || !Object.hasOwn(document, first)) return document
  const { [first]: value, ...others } = document
  if (rest.length === 0) return others
  return value === undefined ? document : { ...document, [first]: withoutFieldInside(value, rest) }
}

function withoutFieldInside(value: Json, path: FieldPath): Json {
  if (isJsonArray(value)) return value.map((item) => withoutFieldInside(item, path))
  return isJsonObject(value) ? withoutField(value, path) : value
}
