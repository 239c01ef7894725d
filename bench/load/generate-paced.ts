import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { monotonicMs } from './monotonic.ts'
import { ResponseReader } from './response-reader.ts'
import type { PacedJob, PacedResult } from './run-paced.ts'

/** A process of its own: takes a `PacedJob` on standard input, prints a `PacedResult`. */
const job: PacedJob = JSON.parse(await text(process.stdin))
const sentAt: (number | null)[] = job.requests.map(() => null)
const answeredAt: (number | null)[] = job.requests.map(() => null)
let failure: string | null = null

// Who can't keep up has so many under way, and the others wait.
const maxConnections = 64
// What is not sent by then was too much for the server.
const patience = 4

interface Connection {
  readonly socket: Socket
  readonly reader: ResponseReader
  /** The request under way. */
  at: number
}

const all: Connection[] = []
const idle: Connection[] = []
const { promise: done, resolve: finish, reject: fail } = Promise.withResolvers<void>()
let next = 0
let answers = 0
const startedAt = monotonicMs()
const deadline = startedAt + Math.max(10_000, (patience * 1000 * job.requests.length) / job.perSecond)

const timer = setInterval(sendDue, 1)
await done
clearInterval(timer)
for (const { socket } of all) socket.destroy()
const result: PacedResult = { sentAt, answeredAt, failure }
console.log(JSON.stringify(result))

/** Sends what is due by now. */
function sendDue(): void {
  const now = monotonicMs()
  if (now > deadline) {
    failure ??= `only ${answers} of ${job.requests.length} requests were answered in time`
    finish()
    return
  }
  const due = Math.min(job.requests.length, Math.floor(((now - startedAt) * job.perSecond) / 1000))
  while (next < due) {
    const connection = idle.pop() ?? (all.length < maxConnections ? open() : undefined)
    if (connection === undefined) return
    connection.at = next++
    sentAt[connection.at] = monotonicMs()
    connection.socket.write(job.requests[connection.at] ?? '')
  }
}

function open(): Connection {
  const socket = connect({ host: '127.0.0.1', port: job.port, noDelay: true })
  const connection = { socket, reader: new ResponseReader(), at: 0 }
  all.push(connection)
  socket.on('data', (bytes: Buffer) => receive(connection, bytes))
  socket.once('error', fail)
  return connection
}

function receive(connection: Connection, bytes: Buffer): void {
  if (!connection.reader.push(bytes)) return
  const { status } = connection.reader
  if (status >= 200 && status < 300) answeredAt[connection.at] = monotonicMs()
  else failure ??= bytes.toString('latin1', 0, 2000)
  answers++
  idle.push(connection)
  if (answers === job.requests.length) finish()
}
