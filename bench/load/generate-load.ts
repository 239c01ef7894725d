import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { LoadJob, LoadResult } from './load-job.ts'
import { ResponseReader } from './response-reader.ts'

/**
 * A process of its own: takes a `LoadJob` on standard input, prints a `LoadResult`. Sockets, requests that were
 * built before, and nothing parsed but the ends of answers: on two processors, what the generator uses is
 * missing to the server.
 */
const job: LoadJob = JSON.parse(await text(process.stdin))
const requests = job.requests.map((request) => Buffer.from(request))
const latencies: number[] = []
let sent = 0
let failed = 0
let failure: string | null = null

const start = performance.now() + job.warmUpSeconds * 1000
const end = start + job.seconds * 1000
let usageAtStart = process.cpuUsage()
setTimeout(() => (usageAtStart = process.cpuUsage()), job.warmUpSeconds * 1000).unref()

await Promise.all(Array.from({ length: job.connections }, loop))
const { user, system } = process.cpuUsage(usageAtStart)
console.log(JSON.stringify(summarize((user + system) / 1e6 / job.seconds)))

/** Sends, waits, sends again, until the time is over. */
function loop(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const reader = new ResponseReader()
  let sentAt = 0

  const send = (): void => {
    sentAt = performance.now()
    const request = requests[sent++ % requests.length]
    if (request === undefined) throw new Error('no requests')
    socket.write(request)
  }
  const receive = (length: number, memory: Uint8Array): boolean => {
    const bytes = Buffer.from(memory.buffer, memory.byteOffset, length)
    const isWhole = reader.push(bytes)
    if (reader.status >= 300) failure ??= bytes.toString('latin1', 0, 2000)
    if (!isWhole) return true
    if (reader.status < 200 || reader.status >= 300) failed += 1
    const now = performance.now()
    if (now >= start && now < end) latencies.push(now - sentAt)
    if (now < end) {
      send()
    } else {
      resolve()
      socket.destroy()
    }
    return true
  }
  const socket = connect({
    host: '127.0.0.1',
    port: job.port,
    noDelay: true,
    // One piece of memory for all that is received: nothing to collect while measuring.
    onread: { buffer: Buffer.allocUnsafe(128 * 1024), callback: receive },
  })
  socket.once('connect', send)
  socket.once('error', reject)
  // After the end of the loop this has no effect any more.
  socket.once('close', () => reject(new Error('The server closed a connection.')))
  return promise
}

function summarize(generatorBusy: number): LoadResult {
  const sorted = Float64Array.from(latencies).sort()
  const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? 0
  return {
    rate: sorted.length / job.seconds,
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
    failed,
    failure,
    generatorBusy,
  }
}
