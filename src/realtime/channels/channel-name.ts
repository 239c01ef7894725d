const segment = /^[A-Za-z0-9_.@-]{1,64}$/
const maxSegments = 8

/** The parts between colons; undefined for what is no channel: `room:42` has `room` and `42`. */
export function channelSegments(name: string): readonly string[] | undefined {
  return segmentsIf(name, (part) => segment.test(part))
}

/** The same for patterns, in which `*` stands for any one segment. */
export function patternSegments(pattern: string): readonly string[] | undefined {
  return segmentsIf(pattern, (part) => part === '*' || segment.test(part))
}

function segmentsIf(text: string, isSegment: (part: string) => boolean): readonly string[] | undefined {
  const parts = text.split(':')
  return parts.length <= maxSegments && parts.every(isSegment) ? parts : undefined
}

export function matchesPattern(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length && pattern.every((part, at) => part === '*' || part === segments[at])
  )
}

/** Orders patterns that match the same channel: the first that says a segment where the others say `*` comes first. */
export function bySpecificity(a: readonly string[], b: readonly string[]): number {
  for (const [at, part] of a.entries()) {
    const order = Number(part === '*') - Number(b[at] === '*')
    if (order !== 0) return order
  }
  return 0
}
