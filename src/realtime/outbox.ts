import type { WebSocket } from '@fastify/websocket'

interface OutboxOptions {
  /** More than this is not kept for a reader who doesn't read. */
  maxBufferedBytes: number
  /** The reader is behind: from now on everything is dropped, until it has caught up. */
  onLag: () => void
  onCaughtUp: () => void
  /** It did not catch up in time. */
  onStuck: () => void
}

const checkEveryMs = 100
const stuckAfterMs = 30_000

/** Sends to one reader at the pace of that reader, and never keeps more for it than is allowed. */
export class Outbox {
  readonly #socket: WebSocket
  readonly #options: OutboxOptions
  #lagging: { since: number; timer: NodeJS.Timeout } | undefined

  constructor(socket: WebSocket, options: OutboxOptions) {
    this.#socket = socket
    this.#options = options
  }

  get isLagging(): boolean {
    return this.#lagging !== undefined
  }

  /** A message that finds the buffer full is dropped, and so are all until the reader has caught up. */
  send(text: string): void {
    if (this.#lagging !== undefined || this.#socket.readyState !== this.#socket.OPEN) return
    if (this.#socket.bufferedAmount > this.#options.maxBufferedBytes) {
      this.#lagging = { since: Date.now(), timer: setInterval(() => this.#check(), checkEveryMs) }
      this.#options.onLag()
      return
    }
    this.#socket.send(text)
  }

  close(): void {
    clearInterval(this.#lagging?.timer)
  }

  #check(): void {
    if (this.#lagging === undefined) return
    if (this.#socket.bufferedAmount <= this.#options.maxBufferedBytes / 4) {
      clearInterval(this.#lagging.timer)
      this.#lagging = undefined
      this.#options.onCaughtUp()
    } else if (Date.now() - this.#lagging.since > stuckAfterMs) {
      this.close()
      this.#options.onStuck()
    }
  }
}
