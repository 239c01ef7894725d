import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { unavailable } from '../errors.ts'
import type { HashResults, HashWork } from './hash-work.ts'

interface Job {
  work: HashWork
  resolve: (result: string | boolean) => void
  reject: (error: Error) => void
}

// Own threads and not libuv's four: those are all processors of a larger machine can't use, and what files and
// look-ups of names wait for. A burst of sign-ins must not become a burst of memory, so the queue says when it is full.
const maxThreads = availableParallelism()
const maxWaiting = 64
const waiting: Job[] = []
const idle: Worker[] = []
const busy = new Map<Worker, Job>()

/** Runs work on a thread that gives way to requests. Throws `unavailable` when too much waits already. */
export function runHashWork<Work extends HashWork>(work: Work): Promise<HashResults[Work['do']]>
export async function runHashWork(work: HashWork): Promise<string | boolean> {
  requireRoomToHash()
  const { promise, resolve, reject } = Promise.withResolvers<string | boolean>()
  waiting.push({ work, resolve, reject })
  start()
  return promise
}

/** For the beginning of what will need it: throws `unavailable` before anything else is done in vain. */
export function requireRoomToHash(): void {
  if (waiting.length >= maxWaiting) throw unavailable('Too many sign-ins at once; try again in a moment.', 2)
}

function start(): void {
  while (waiting.length > 0) {
    const thread = idle.pop() ?? (busy.size < maxThreads ? openThread() : undefined)
    if (thread === undefined) return
    const job = waiting.shift()
    if (job === undefined) return
    busy.set(thread, job)
    // Whoever waits keeps the process alive; threads that wait for work don't.
    thread.ref()
    thread.postMessage(job.work)
  }
}

function openThread(): Worker {
  // Its extension is that of this file: .ts in the sources, .js once compiled.
  const thread = new Worker(new URL(`hash-thread${extname(import.meta.url)}`, import.meta.url), {
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
  })
  thread.on('message', (answer: { result: string | boolean } | { failure: string }) => {
    const job = busy.get(thread)
    busy.delete(thread)
    thread.unref()
    idle.push(thread)
    if ('result' in answer) job?.resolve(answer.result)
    else job?.reject(new Error(answer.failure))
    start()
  })
  thread.on('error', (error) => lose(thread, error))
  thread.on('exit', () => lose(thread, new Error('a thread for hashing ended')))
  return thread
}

/** Its work fails, and the next gets another thread. */
function lose(thread: Worker, error: unknown): void {
  const place = idle.indexOf(thread)
  if (place !== -1) idle.splice(place, 1)
  const job = busy.get(thread)
  busy.delete(thread)
  job?.reject(error instanceof Error ? error : new Error(String(error)))
  start()
}
