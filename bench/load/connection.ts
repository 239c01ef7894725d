import { connect } from 'node:net'
import { ResponseReader } from './response-reader.ts'

export interface Connection {
  /** Only when nothing is under way here. */
  send(request: Buffer): void
  close(): void
}

interface Events {
  onConnect: () => void
  /** The last piece of the answer's bytes; short answers are whole in it. Its memory is reused. */
  onAnswer: (status: number, bytes: Buffer) => void
  onBreak: (error: Error) => void
}

/** A connection that carries one request at a time, and parses nothing but the ends of answers. */
export function openConnection(port: number, { onConnect, onAnswer, onBreak }: Events): Connection {
  const reader = new ResponseReader()
  const receive = (length: number, memory: Uint8Array): boolean => {
    const bytes = Buffer.from(memory.buffer, memory.byteOffset, length)
    if (reader.push(bytes)) onAnswer(reader.status, bytes)
    return true
  }
  const socket = connect({
    host: '127.0.0.1',
    port,
    noDelay: true,
    // One piece of memory for all that is received: nothing to collect while measuring.
    onread: { buffer: Buffer.allocUnsafe(128 * 1024), callback: receive },
  })
  socket.once('connect', onConnect)
  socket.once('error', onBreak)
  socket.once('close', () => onBreak(new Error('The server closed a connection.')))
  return {
    send: (request) => socket.write(request),
    close: () => socket.destroy(),
  }
}
