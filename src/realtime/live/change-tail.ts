import { setImmediate as nextTurn } from 'node:timers/promises'
import { readLog } from '../../changes/read-changes.ts'
import type { Services } from '../../platform/services.ts'
import { ChangeHistory } from './change-history.ts'
import { type LoggedChange, toLoggedChange } from './logged-change.ts'

/** Follows the change log of one project. */
export interface ChangeTail {
  /** The number of the last change that was told. */
  readonly position: number
  readonly history: ChangeHistory
  /** There may be something new. */
  poke(): void
  /** Resolves when everything up to this number was told. Rejects if that takes too long. */
  reach(seq: number): Promise<void>
  close(): void
}

export interface TailListener {
  /** In commit order. The changes are in the history already, and the position is behind them. */
  changed(changes: readonly LoggedChange[]): void
  /** The log was trimmed before it was read: what happened meanwhile can't be told. */
  lost(): void
}

const pageSize = 500
// The net under lost hints; a node hears of its own commits at once. At first the others may not know yet that somebody
// here wants to hear of theirs.
const pollEveryMs = 5_000
const pollAtFirstEveryMs = 1_000
const atFirstMs = 15_000
const retryAfterMs = 500
const reachWithinMs = 10_000

/** Begins behind the newest change. */
export async function startChangeTail(
  { db, log }: Pick<Services, 'db' | 'log'>,
  schema: string,
  listener: TailListener,
): Promise<ChangeTail> {
  // Nothing comes after so great a number, but the head is told.
  let position = (await readLog(db, schema, Number.MAX_SAFE_INTEGER, 0)).head
  const history = new ChangeHistory(position, async (after, limit) => {
    const { rows, trimmed } = await readLog(db, schema, after, limit)
    return { changes: rows.map(toLoggedChange), trimmed }
  })
  const startedAt = Date.now()
  let isClosed = false
  let isPoked = false
  let wake: (() => void) | undefined
  const waiting = new Set<{ seq: number; resolve: () => void }>()

  async function follow(): Promise<void> {
    while (!isClosed) {
      isPoked = false
      const isWhole = await readOn().catch(async (error: unknown) => {
        log.warn({ err: error, schema }, 'could not read the change log')
        await pause(retryAfterMs)
        return true
      })
      // Projects take turns: the others' work stands before the next page of this one.
      if (!isWhole) await nextTurn()
      else if (!isPoked && !isClosed) {
        await pause(Date.now() - startedAt < atFirstMs ? pollAtFirstEveryMs : pollEveryMs)
      }
    }
  }

  /** Whether the end of the log was reached. */
  async function readOn(): Promise<boolean> {
    const { rows, head, trimmed } = await readLog(db, schema, position, pageSize)
    if (isClosed) return true
    if (position < trimmed || head < position) {
      // Also when the database was put back to an earlier state.
      position = head
      history.restart(head)
      listener.lost()
      return true
    }
    const last = rows.at(-1)
    if (last !== undefined) {
      const changes = rows.map(toLoggedChange)
      position = last.seq
      history.add(changes)
      listener.changed(changes)
    }
    for (const waiter of waiting) if (waiter.seq <= position) waiter.resolve()
    return rows.length < pageSize
  }

  function pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  function poke(): void {
    isPoked = true
    wake?.()
  }

  void follow()
  return {
    get position() {
      return position
    },
    history,
    poke,
    async reach(seq) {
      if (seq <= position) return
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const waiter = { seq, resolve }
      waiting.add(waiter)
      const late = setTimeout(() => reject(new Error('the change log was not read in time')), reachWithinMs)
      poke()
      await promise.finally(() => {
        clearTimeout(late)
        waiting.delete(waiter)
      })
    },
    close() {
      isClosed = true
      wake?.()
    },
  }
}
