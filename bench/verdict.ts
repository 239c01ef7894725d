/** What was promised, and what was reached. */
export interface Verdict {
  what: string
  reached: number
  wanted: number
  unit: string
  direction: '≥' | '≤'
  isReached: boolean
}

export function atLeast(what: string, reached: number, wanted: number, unit = 'times'): Verdict {
  return { what, reached, wanted, unit, direction: '≥', isReached: reached >= wanted }
}

export function atMost(what: string, reached: number, wanted: number, unit: string): Verdict {
  return { what, reached, wanted, unit, direction: '≤', isReached: reached <= wanted }
}
