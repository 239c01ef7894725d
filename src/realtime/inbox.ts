import type { WebSocket } from '@fastify/websocket'

const pauseAbove = 200
const resumeBelow = 50

/** Handles the messages of one sender one after the other. Who sends faster than that is read more slowly. */
export class Inbox {
  readonly #socket: WebSocket
  readonly #handle: (text: string) => void | Promise<void>
  readonly #waiting: string[] = []
  #isHandling = false

  /** @param handle must not throw */
  constructor(socket: WebSocket, handle: (text: string) => void | Promise<void>) {
    this.#socket = socket
    this.#handle = handle
  }

  add(text: string): void {
    this.#waiting.push(text)
    if (this.#waiting.length > pauseAbove) this.#socket.pause()
    if (!this.#isHandling) void this.#handleAll()
  }

  async #handleAll(): Promise<void> {
    this.#isHandling = true
    for (;;) {
      const next = this.#waiting.shift()
      if (next === undefined) break
      await this.#handle(next)
      if (this.#socket.isPaused && this.#waiting.length < resumeBelow) this.#socket.resume()
    }
    this.#isHandling = false
  }
}
