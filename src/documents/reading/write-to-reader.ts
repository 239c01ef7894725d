import type { Writable } from 'node:stream'

// The database ends the snapshot of a transaction that is idle for as long.
const patienceMs = 30_000

/**
 * Writes at the reader's pace. The promise of a write fails when the reader goes away, which streams themselves
 * don't tell a write that is under way, and when the reader takes nothing for half a minute.
 */
export function writeToReader(stream: Writable): (text: string) => Promise<void> {
  const gone = new Promise<never>((_, reject) => {
    stream.once('close', () => reject(new Error('the reader has gone')))
  })
  // After the last write nobody waits for it.
  gone.catch(() => undefined)
  return async (text) => {
    const late = setTimeout(() => stream.destroy(), patienceMs)
    const written = new Promise<void>((resolve) => stream.write(text, () => resolve()))
    await Promise.race([gone, written]).finally(() => clearTimeout(late))
  }
}
