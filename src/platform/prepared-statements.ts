import { createHash } from 'node:crypto'

/**
 * Names for statements that are worth preparing. Each connection keeps every named statement for as long as it
 * lives (33 KB of plans and catalogue a project was measured), so only texts that come again get a name, only so
 * many at a time, and the pool recycles its connections.
 */
const maxNames = 512
const seenOnce = new Set<string>()
const names = new Map<string, string>()

/** To be spread into a query: a name from the second time on that this text comes. */
export function statementName(text: string): { name?: string } {
  const name = names.get(text)
  if (name !== undefined) return { name }
  if (!seenOnce.has(text)) {
    remember(seenOnce, text)
    return {}
  }
  seenOnce.delete(text)
  if (names.size >= maxNames) forgetOldest(names)
  const made = createHash('sha1').update(text).digest('base64url')
  names.set(text, made)
  return { name: made }
}

function remember(set: Set<string>, text: string): void {
  if (set.size >= maxNames) set.clear()
  set.add(text)
}

function forgetOldest(map: Map<string, string>): void {
  for (const key of map.keys()) {
    map.delete(key)
    return
  }
}
