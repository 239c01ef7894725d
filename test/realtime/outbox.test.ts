import type { WebSocket } from '@fastify/websocket'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Outbox } from '../../src/realtime/outbox.ts'

/** A socket whose reader takes what the test says. */
class SlowSocket {
  readonly OPEN = 1
  readyState = 1
  bufferedAmount = 0
  readonly sent: string[] = []

  send(text: string): void {
    this.sent.push(text)
    this.bufferedAmount += text.length
  }
}

let socket: SlowSocket
let outbox: Outbox
let happened: string[]

beforeEach(() => {
  vi.useFakeTimers()
  socket = new SlowSocket()
  happened = []
  outbox = new Outbox(socket as unknown as WebSocket, {
    maxBufferedBytes: 100,
    onLag: () => happened.push('lag'),
    onCaughtUp: () => happened.push('caught up'),
    onStuck: () => happened.push('stuck'),
  })
})

afterEach(() => {
  outbox.close()
  vi.useRealTimers()
})

describe('what is kept for a reader who does not read', () => {
  test('is bounded: what comes beyond it is dropped until the reader has caught up', () => {
    for (let n = 0; n < 50; n++) outbox.send('x'.repeat(10))
    expect(socket.sent).toHaveLength(11)
    expect(happened).toEqual(['lag'])
    socket.bufferedAmount = 26
    vi.advanceTimersByTime(200)
    expect(outbox.isLagging).toBe(true)
    socket.bufferedAmount = 25
    vi.advanceTimersByTime(200)
    expect(happened).toEqual(['lag', 'caught up'])
    outbox.send('again')
    expect(socket.sent.at(-1)).toBe('again')
  })

  test('is given up after half a minute, once', () => {
    for (let n = 0; n < 12; n++) outbox.send('x'.repeat(10))
    vi.advanceTimersByTime(29_000)
    expect(happened).toEqual(['lag'])
    vi.advanceTimersByTime(60_000)
    expect(happened).toEqual(['lag', 'stuck'])
  })

  test('is nothing where the socket is closed', () => {
    socket.readyState = 2
    outbox.send('x')
    expect(socket.sent).toEqual([])
  })
})
