import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { unavailable } from '../errors.ts'
import type { HashResults, HashWork } from './hash-work.ts'
import { type Room, roomToHash } from './room-to-hash.ts'

interface Job {
  work: HashWork
  resolve: (result: string | boolean) => void
  reject: (error: Error) => void
  isUrgent: boolean
}

interface Thread {
  worker: Worker
  /** What it was given and has not answered yet, in order. */
  jobs: Job[]
  /** When it came to the first of them. */
  begunAt: number
}

// Own threads and not libuv's four: those are all processors of a larger machine can't use, and what files and
// look-ups of names wait for. A burst of sign-ins must not become a burst of memory, so the queue says when it is full.
const maxWaiting = 64
const waiting: Job[] = []
const threads: Thread[] = []
// Who gives way to everybody comes to nothing while others want all processors without end, functions for instance. What
// takes so long (ours takes a fiftieth of it) is done again by a thread that gives way to nobody.
const patienceMs = 1000
let urgentThread: Thread | undefined
let isWatching = false

/** Runs work on a thread that gives way to requests. Throws `unavailable` when too much waits already. */
export function runHashWork<Work extends HashWork>(work: Work): Promise<HashResults[Work['do']]>
export async function runHashWork(work: HashWork): Promise<string | boolean> {
  requireRoomToHash()
  const { promise, resolve, reject } = Promise.withResolvers<string | boolean>()
  waiting.push({ work, resolve, reject, isUrgent: false })
  start()
  return promise
}

/** For the beginning of what will need it: throws `unavailable` before anything else is done in vain. */
export function requireRoomToHash(): void {
  if (waiting.length >= maxWaiting) throw unavailable('Too many sign-ins at once; try again in a moment.', 2)
}

function start(): void {
  const room = roomToHash()
  for (let job = waiting[0]; job !== undefined; job = waiting[0]) {
    const thread = findThread(room)
    if (thread === undefined) return
    waiting.shift()
    give(thread, job)
  }
}

/** The thread with the least to do, or a new one rather than one that is busy. */
function findThread(room: Room): Thread | undefined {
  const allowed = threads.slice(0, room.threads)
  if (allowed.length > 0 && allowed.every(isStarved))
    return hasRoom(urgentThread, room) ? urgentThread : undefined
  const [freest] = allowed.toSorted((a, b) => a.jobs.length - b.jobs.length)
  if (threads.length < room.threads && freest?.jobs.length !== 0) return openThread(threads)
  return hasRoom(freest, room) ? freest : undefined
}

function hasRoom(thread: Thread | undefined, { jobsEach }: Room): boolean {
  return thread !== undefined && thread.jobs.length < jobsEach
}

function give(thread: Thread, job: Job): void {
  if (thread.jobs.length === 0) thread.begunAt = performance.now()
  thread.jobs.push(job)
  // Whoever waits keeps the process alive; threads that wait for work don't.
  thread.worker.ref()
  thread.worker.postMessage(job.work)
  if (!isWatching) watch()
}

function isStarved({ jobs, begunAt }: Thread): boolean {
  return jobs.length > 0 && performance.now() - begunAt > patienceMs
}

/** Looks now and then, as long as there is something under way, whether it comes to an end. */
function watch(): void {
  isWatching = threads.some(({ jobs }) => jobs.length > 0)
  if (isWatching) setTimeout(hurry, patienceMs / 2).unref()
}

function hurry(): void {
  for (const job of threads.filter(isStarved).flatMap(({ jobs }) => jobs)) {
    if (job.isUrgent) continue
    job.isUrgent = true
    urgentThread ??= openThread()
    // Who answers first is heard.
    give(urgentThread, job)
  }
  start()
  watch()
}

/** Of the pool, or the urgent one. */
function openThread(pool?: Thread[]): Thread {
  // Its extension is that of this file: .ts in the sources, .js once compiled.
  const worker = new Worker(new URL(`hash-thread${extname(import.meta.url)}`, import.meta.url), {
    env: {},
    workerData: { givesWay: pool !== undefined },
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
  })
  const thread: Thread = { worker, jobs: [], begunAt: 0 }
  worker.on('message', (answer: { result: string | boolean } | { failure: string }) => {
    const job = thread.jobs.shift()
    thread.begunAt = performance.now()
    if (thread.jobs.length === 0) worker.unref()
    if ('result' in answer) job?.resolve(answer.result)
    else job?.reject(new Error(answer.failure))
    start()
  })
  worker.on('error', (error) => lose(thread, error))
  worker.on('exit', () => lose(thread, new Error('a thread for hashing ended')))
  pool?.push(thread)
  return thread
}

/** Its work fails, and the next gets another thread. */
function lose(thread: Thread, error: unknown): void {
  const place = threads.indexOf(thread)
  if (place !== -1) threads.splice(place, 1)
  if (thread === urgentThread) urgentThread = undefined
  for (const job of thread.jobs.splice(0)) {
    job.reject(error instanceof Error ? error : new Error(String(error)))
  }
  start()
}
