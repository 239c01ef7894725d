import type { Prisma } from '../platform/generated/client.ts'

/** A JSON merge patch (RFC 7396): objects are merged, null removes, everything else replaces. */
export function mergeJson(target: unknown, patch: Readonly<Record<string, unknown>>): Prisma.InputJsonObject {
  const merged = new Map(isObject(target) ? Object.entries(target) : [])
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name)
    else merged.set(name, isObject(value) ? mergeJson(merged.get(name), value) : value)
  }
  return Object.fromEntries(merged) as Prisma.InputJsonObject
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
