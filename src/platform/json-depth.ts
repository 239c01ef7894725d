const quote = 0x22
const backslash = 0x5c
const openers: ReadonlySet<number> = new Set([0x5b, 0x7b])
const closers: ReadonlySet<number> = new Set([0x5d, 0x7d])

/**
 * Whether arrays and objects in a JSON text stand inside each other deeper than this. JSON.parse takes a million
 * levels; whatever walks its result by recursion runs out of stack at some ten thousand.
 */
export function isDeeperThan(json: string, maxDepth: number): boolean {
  // Each level takes a character.
  if (json.length < maxDepth) return false
  let depth = 0
  let inText = false
  for (let at = 0; at < json.length; at++) {
    const unit = json.charCodeAt(at)
    if (unit === quote) inText = !inText
    else if (inText) at += Number(unit === backslash)
    else if (openers.has(unit)) {
      depth += 1
      if (depth > maxDepth) return true
    } else if (closers.has(unit)) depth -= 1
  }
  return false
}
