import { execFileSync } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { doHashWork, type HashWork } from './hash-work.ts'

/** A thread of its own, for one piece of work at a time. */

// The least there is: next to nothing while others want the processor, and all of it if nobody does.
const niceness = 19

const { givesWay }: { givesWay: boolean } = workerData
if (givesWay) giveWay()
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
    const thread = readlinkSync('/proc/thread-self').split('/').at(-1) ?? ''
    setPriority(Number(thread), niceness)
    // A processor that a nice thread is on counts as taken, so all others would crowd on the rest; one on which only
    // SCHED_IDLE runs counts as free (sched(7)). Node can't set it.
    execFileSync('chrt', ['-i', '-p', '0', thread], { stdio: 'ignore' })
  } catch {
    // Some sandboxes have no /proc, or forbid it; some systems have no chrt.
  }
}
