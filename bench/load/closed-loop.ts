import { openConnection } from './connection.ts'
import type { LoadJob } from './load-job.ts'
import { type Turn, turnAt } from './turns.ts'

/** Each connection sends, waits for the answer and sends again, until the time is over. */
export async function runClosedLoop(
  { port, connections }: Omit<LoadJob, 'requests'>,
  turns: readonly Turn[],
): Promise<void> {
  let sent = 0
  await Promise.all(Array.from({ length: connections }, loop))

  function loop(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let sentAt = 0
    let { requests, measuring } = turnAt(turns, 0)
    const send = (): void => {
      sentAt = performance.now()
      ;({ requests, measuring } = turnAt(turns, sentAt))
      const request = requests[sent++ % requests.length]
      if (request === undefined) throw new Error('no requests')
      connection.send(request)
    }
    const connection = openConnection(port, {
      onConnect: send,
      onAnswer(status, bytes) {
        const now = performance.now()
        measuring.note(sentAt, now, status, bytes)
        if (now < measuring.end) {
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
