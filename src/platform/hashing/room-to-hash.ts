import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'

/** What may be hashed at once. */
export interface Room {
  threads: number
  /** With two, the next is there already when a thread has done the first. */
  jobsEach: number
}

const processors = availableParallelism()
/** With nothing but passwords to verify, no processor rests for a moment. */
const alone: Room = { threads: processors, jobsEach: 2 }
/**
 * With others to serve, one is left to the main thread, PostgreSQL and who asked. A thread that pauses until it is given
 * the next lets the kernel spread those anew, whom it would leave on one processor together.
 */
const amongOthers: Room = { threads: Math.max(1, processors - 1), jobsEach: 1 }

// Long enough that a collection of garbage does not look like others.
const sampleMs = 1000
// What a thread that hashes without a break makes the main thread do for its sign-ins, of its time.
const ownShare = 0.125
// More than that is others' work.
const othersShare = 0.1

let room = alone
let sampledAt = performance.now()
let sample = performance.eventLoopUtilization()

/** As much as the main thread's other work leaves now. */
export function roomToHash(): Room {
  const now = performance.now()
  if (now - sampledAt > sampleMs) {
    const next = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(next, sample)
    room = utilization > room.threads * ownShare + othersShare ? amongOthers : alone
    sampledAt = now
    sample = next
  }
  return room
}
