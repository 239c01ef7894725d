import type { Measuring } from './measuring.ts'

/** Requests of one kind, and what is kept of their answers. */
export interface Turn {
  requests: readonly Buffer[]
  measuring: Measuring
}

// Some thousand requests of each kind: enough to tell them apart, and less than what a machine's mood lasts.
const turnMs = 50

/** Whose turn it is: whatever else becomes faster or slower meanwhile meets all of them. */
export function turnAt(turns: readonly Turn[], now: number): Turn {
  const turn = turns[Math.floor(now / turnMs) % turns.length]
  if (turn === undefined) throw new Error('no requests')
  return turn
}
