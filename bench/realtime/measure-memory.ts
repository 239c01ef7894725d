import { setTimeout as sleep } from 'node:timers/promises'
import { residentKibibytes } from '../watch-memory.ts'

const lookEveryMs = 500

/** What a process holds when it has come to rest: the least of what was seen within some seconds, in KiB. */
export async function restingMemory(pid: number, seconds: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let passed = 0; passed < seconds * 1000; passed += lookEveryMs) {
    least = Math.min(least, await residentKibibytes(pid))
    await sleep(lookEveryMs)
  }
  return least
}
