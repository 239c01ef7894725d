import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, openConnection } from './connection.ts'
import type { LoadJob } from './load-job.ts'
import { type Turn, turnAt } from './turns.ts'

/**
 * Sends at fixed times, as people do who don't know of each other. While all connections wait for answers, what is due
 * waits too, and its time counts (no coordinated omission).
 */
export async function offerLoad(
  perSecond: number,
  { port, connections }: Omit<LoadJob, 'requests'>,
  turns: readonly Turn[],
): Promise<void> {
  const free: ((dueAt: number) => void)[] = []
  const open = await Promise.all(Array.from({ length: connections }, openOne))
  const startAt = performance.now()
  let sent = 0
  const { end } = turnAt(turns, 0).measuring
  while (performance.now() < end) {
    sendDue()
    await sleep(1)
  }
  for (const connection of open) connection.close()

  function sendDue(): void {
    for (;;) {
      const dueAt = startAt + (sent * 1000) / perSecond
      if (dueAt > performance.now()) return
      const send = free.pop()
      if (send === undefined) return
      send(dueAt)
    }
  }

  function openOne(): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>()
    let dueAt = 0
    let { requests, measuring } = turnAt(turns, 0)
    const send = (due: number): void => {
      dueAt = due
      ;({ requests, measuring } = turnAt(turns, due))
      const request = requests[sent++ % requests.length]
      if (request === undefined) throw new Error('no requests')
      connection.send(request)
    }
    const connection = openConnection(port, {
      onConnect() {
        free.push(send)
        resolve(connection)
      },
      onAnswer(status, bytes) {
        measuring.note(dueAt, performance.now(), status, bytes)
        free.push(send)
        sendDue()
      },
      onBreak(error) {
        if (performance.now() < measuring.end) throw error
        reject(error)
      },
    })
    return promise
  }
}
