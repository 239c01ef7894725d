import { unavailable } from './errors.ts'

/** Runs work, later if too much of it is running. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>

/**
 * Lets so much work run at once; more waits its turn, and what would wait behind `maxWaiting` others is refused with
 * 503. For what holds a connection of the pool for long: were all connections held, nobody could do anything.
 */
export function limitConcurrency(maxRunning: number, maxWaiting: number): Gate {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running < maxRunning) running += 1
    else if (waiting.length < maxWaiting) await new Promise<void>((resolve) => waiting.push(resolve))
    else throw unavailable('Too much of this is under way already; try again in a moment.')
    try {
      return await work()
    } finally {
      // Whoever is next takes this place over, so the number stays.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
