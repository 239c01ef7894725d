import { openConnection } from './connection.ts'
import type { LoadJob } from './load-job.ts'
import type { Measuring } from './measuring.ts'

/** Requests of one kind, and what is kept of their answers. */
export interface Turn {
  requests: readonly Buffer[]
  measuring: Measuring
}

// Some thousand requests of each kind: enough to tell them apart, and less than what a machine's mood lasts.
const turnMs = 50

/**
 * Each connection sends, waits for the answer and sends again, until the time is over. Several kinds of requests take
 * turns: whatever else becomes faster or slower meanwhile meets all of them.
 */
export async function runClosedLoop(
  { port, connections }: Omit<LoadJob, 'requests'>,
  turns: readonly Turn[],
): Promise<void> {
  let sent = 0
  await Promise.all(Array.from({ length: connections }, loop))

  function loop(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let sentAt = 0
    let turn = turns[0]
    const send = (): void => {
      sentAt = performance.now()
      turn = turns[Math.floor(sentAt / turnMs) % turns.length]
      const request = turn?.requests[sent++ % turn.requests.length]
      if (request === undefined) throw new Error('no requests')
      connection.send(request)
    }
    const connection = openConnection(port, {
      onConnect: send,
      onAnswer(status, bytes) {
        const now = performance.now()
        turn?.measuring.note(sentAt, now, status, bytes)
        if (turn !== undefined && now < turn.measuring.end) {
          send()
        } else {
          resolve()
          connection.close()
        }
      },
      // After the end of the loop this has no effect any more.
      onBreak: reject,
    })
    return promise
  }
}
