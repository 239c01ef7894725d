import { isObject, type JsonObject } from './fields.ts'

/** The merge patch (RFC 7396) that makes `after` of `before`: what is gone is null. */
export function mergePatch(before: unknown, after: JsonObject): JsonObject {
  const known = isObject(before) ? before : {}
  const gone = Object.keys(known).filter((key) => !Object.hasOwn(after, key))
  const changed = Object.entries(after).filter(
    ([key, value]) => JSON.stringify(known[key]) !== JSON.stringify(value),
  )
  return Object.fromEntries([
    ...gone.map((key) => [key, null]),
    ...changed.map(([key, value]) => [
      key,
      isObject(value) && isObject(known[key]) ? mergePatch(known[key], value) : value,
    ]),
  ])
}
