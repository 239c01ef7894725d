import { tooManyCalls } from '../errors.ts'

/** Lets so many calls of a project run at once. */
export interface CallGate {
  /** Resolves with what gives the place back. Throws 429 when none becomes free in time. */
  enter(): Promise<() => void>
}

// Long enough for a burst of short calls, too short to pile up behind long ones.
const maxWaitMs = 200
const maxWaiting = 256

export function createCallGate(maxRunning: number): CallGate {
  let running = 0
  const waiting = new Set<() => void>()

  function leave(): () => void {
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      const [next] = waiting
      // Whoever is next takes this place over, so the number stays.
      if (next === undefined) running -= 1
      else next()
    }
  }

  return {
    async enter() {
      if (running < maxRunning) {
        running += 1
        return leave()
      }
      if (waiting.size >= maxWaiting) throw tooManyCalls()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const proceed = (): void => {
        waiting.delete(proceed)
        resolve()
      }
      waiting.add(proceed)
      const timer = setTimeout(() => {
        waiting.delete(proceed)
        reject(tooManyCalls())
      }, maxWaitMs)
      try {
        await promise
      } finally {
        clearTimeout(timer)
      }
      return leave()
    },
  }
}
