import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { doHashWork, type HashWork } from './hash-work.ts'

/** A thread of its own, for one piece of work at a time. */

// The least there is: next to nothing while others want the processor, and all of it if nobody does.
const niceness = 19

giveWay()
parentPort?.on('message', (work: HashWork) => {
  try {
    parentPort?.postMessage({ result: doHashWork(work) })
  } catch (error) {
    // Errors of bindings don't survive the copy whole.
    parentPort?.postMessage({ failure: String(error) })
  }
})

/** Linux has priorities for threads; elsewhere hashing competes with requests as an equal. */
function giveWay(): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), niceness)
  } catch {
    // Some sandboxes have no /proc, or forbid it.
  }
}
