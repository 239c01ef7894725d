import type { ClientMessage } from './protocol.ts'

// The server takes 50 messages a second and 100 at once; clocks and networks bunch them up on the way.
const burst = 80
const perSecond = 40
const mostWaiting = 256

/** The messages of one socket, in order and no faster than the server takes them. */
export class Outbox {
  readonly #transmit: (message: ClientMessage) => void
  #waiting: ClientMessage[] = []
  #allowed = burst
  #countedAt = Date.now()
  #timer: ReturnType<typeof setTimeout> | undefined
  #isDue = false

  constructor(transmit: (message: ClientMessage) => void) {
    this.#transmit = transmit
  }

  get isFull(): boolean {
    return this.#waiting.length >= mostWaiting
  }

  /** Sends at the end of the present task, so that what is taken back at once (React's strict mode) never leaves. */
  push(message: ClientMessage): void {
    this.#waiting.push(message)
    if (this.#isDue || this.#timer !== undefined) return
    this.#isDue = true
    queueMicrotask(() => this.#flush())
  }

  /** Takes back what waits for an id. Says whether its first message was among it: then the server never heard of it. */
  takeBack(id: string): boolean {
    const isOf = (message: ClientMessage): boolean => 'id' in message && message.id === id
    const wasNew = this.#waiting.some((message) => isOf(message) && isFirst(message))
    this.#waiting = this.#waiting.filter((message) => !isOf(message))
    return wasNew
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#waiting = []
  }

  #flush(): void {
    this.#isDue = false
    this.#timer = undefined
    this.#count()
    const now = this.#waiting.splice(0, Math.floor(this.#allowed))
    this.#allowed -= now.length
    for (const message of now) this.#transmit(message)
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#flush(), 1000 / perSecond)
  }

  #count(): void {
    const now = Date.now()
    // A clock that is set back earns nothing.
    const passedMs = Math.max(0, now - this.#countedAt)
    this.#countedAt = now
    this.#allowed = Math.min(burst, this.#allowed + (passedMs / 1000) * perSecond)
  }
}

function isFirst({ type }: ClientMessage): boolean {
  return type === 'subscribe' || type === 'join'
}
