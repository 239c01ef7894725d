import { isJsonArray, isJsonObject, type Json } from './json.ts'

/**
 * A text that values which are equal (`jsonEquals`) share and no others do. With it two lists are compared by
 * looking up, where comparing each value with each took minutes for lists of 100,000.
 */
export function canonicalText(value: Json): string {
  if (isJsonArray(value)) return `[${value.map(canonicalText).join(',')}]`
  if (!isJsonObject(value)) return JSON.stringify(value)
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalText(value[name] ?? null)}`)
  return `{${members.join(',')}}`
}
