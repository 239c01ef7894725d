import { Outbox } from './outbox.ts'
import type { ClientMessage, ServerMessage } from './protocol.ts'
import type { WebSocketConstructor, WebSocketLike } from './web-socket.ts'

/** From the start of the handshake to the server's first word. */
const greetingDeadlineMs = 15_000
/** From a ping to any word of the server. */
const pongDeadlineMs = 10_000

interface LinkEvents {
  opened(): void
  message(message: ServerMessage): void
  /** Told once, whoever ended it; 1006 if nobody said why. */
  lost(code: number): void
}

/** One WebSocket from its handshake to its end: messages as values, and a watch on a server that falls silent. */
export class Link {
  readonly #socket: WebSocketLike
  readonly #outbox = new Outbox((message) => this.#socket.send(JSON.stringify(message)))
  readonly #events: LinkEvents
  #deadline: ReturnType<typeof setTimeout> | undefined
  #isOver = false

  constructor(url: string, WebSocket: WebSocketConstructor, events: LinkEvents) {
    this.#events = events
    this.#socket = new WebSocket(url)
    this.#expectWord(greetingDeadlineMs)
    this.#socket.onopen = () => {
      if (!this.#isOver) events.opened()
    }
    this.#socket.onmessage = ({ data }: { readonly data: unknown }) => this.#receive(data)
    this.#socket.onclose = ({ code }: { readonly code: number }) => this.#end(code)
    // `onclose` follows. Without a listener, the package `ws` would throw.
    this.#socket.onerror = () => {}
  }

  get isFull(): boolean {
    return this.#outbox.isFull
  }

  send(message: ClientMessage): void {
    if (!this.#isOver) this.#outbox.push(message)
  }

  takeBack(id: string): boolean {
    return this.#outbox.takeBack(id)
  }

  /** Asks whether the server is still there. If it isn't, the link is lost. */
  check(): void {
    this.send({ type: 'ping' })
    if (this.#deadline === undefined) this.#expectWord(pongDeadlineMs)
  }

  /** Ends it from here, and tells nobody. */
  drop(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#deadline)
    this.#outbox.stop()
    // A closing handshake on a dead network takes minutes: nobody waits for it.
    this.#socket.close(1000)
  }

  #expectWord(withinMs: number): void {
    this.#deadline = setTimeout(() => {
      this.drop()
      this.#events.lost(1006)
    }, withinMs)
  }

  #receive(data: unknown): void {
    if (this.#isOver) return
    clearTimeout(this.#deadline)
    this.#deadline = undefined
    const message = parseMessage(data)
    if (message !== null) this.#events.message(message)
  }

  #end(code: number): void {
    if (this.#isOver) return
    this.drop()
    this.#events.lost(code)
  }
}

/** Null for what is no message: a proxy may say anything. Messages of a later server are for the reader to ignore. */
function parseMessage(data: unknown): ServerMessage | null {
  if (typeof data !== 'string') return null
  try {
    const message: ServerMessage | null = JSON.parse(data)
    return typeof message === 'object' ? message : null
  } catch {
    return null
  }
}
