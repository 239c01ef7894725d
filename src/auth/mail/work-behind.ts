import { unavailable } from '../../platform/errors.ts'
import type { Logger } from '../../platform/logging.ts'

/**
 * Work that goes on behind an answer, so that the answer takes as long whatever there is to do: mails to known
 * addresses and to unknown ones.
 */
export interface WorkBehind {
  /** Throws `unavailable` at once when too much waits. What the work throws is logged. */
  run(name: string, work: () => Promise<void>): void
  /** Waits for what there is, but not for servers that don't answer: what is in the outbox is sent later. */
  close(): Promise<void>
}

const maxWaiting = 1_000
const maxRunning = 4
const closeMs = 3_000

export function createWorkBehind(log: Logger): WorkBehind {
  const waiting: (() => Promise<void>)[] = []
  const running = new Set<Promise<void>>()

  function start(): void {
    while (running.size < maxRunning) {
      const next = waiting.shift()
      if (next === undefined) return
      const started = next().finally(() => {
        running.delete(started)
        start()
      })
      running.add(started)
    }
  }

  async function finish(): Promise<void> {
    while (running.size > 0) await Promise.all(running)
  }

  return {
    run(name, work) {
      if (waiting.length >= maxWaiting)
        throw unavailable('Too many mails wait already; try again in a moment.', 5)
      waiting.push(async () => {
        try {
          await work()
        } catch (error) {
          log.error({ err: error, name }, 'work behind an answer failed')
        }
      })
      start()
    },
    async close() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, closeMs).unref())
      await Promise.race([late, finish()])
    },
  }
}
