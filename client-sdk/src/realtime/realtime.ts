import { BasaltError } from '../basalt-error.ts'
import { Backoff } from './backoff.ts'
import { Connection } from './connection.ts'
import type { ConnectionState } from './connection-state.ts'
import type { Credentials } from './credentials.ts'
import type { ClientMessage, ServerMessage } from './protocol.ts'
import type { Stream } from './stream.ts'
import type { WebSocketConstructor } from './web-socket.ts'

/** The socket that all live queries and channels of a client share. */
export interface RealtimeClient {
  readonly state: ConnectionState
  /** Calls at once and at every change, until the returned function is called. */
  subscribe(callback: (state: ConnectionState) => void): () => void
  /**
   * Tries now instead of later, and looks whether an open connection is alive. Browsers do so by themselves when they
   * go online or the page is looked at again; call it where an app knows better, as React Native's `AppState` does.
   */
  reconnect(): void
  /** Closes every live query and channel, and the socket. A new one opens it again. */
  close(): void
}

/** A stream and how it stands on the present link. */
interface Entry {
  readonly stream: Stream
  /** What the link knows it by. */
  id: string | null
  hasFailed: boolean
  timer: ReturnType<typeof setTimeout> | undefined
  readonly backoff: Backoff
}

/** The server's limit for one message, in bytes. */
const longestMessage = 64 * 1024

/** What passes by itself: the stream is opened again after a while. */
const passingCodes = new Set(['rate_limited', 'unavailable', 'timeout', 'internal'])

/** Opens streams on the socket, brings each what is said to it, and opens them again after whatever happens. */
export class Realtime implements RealtimeClient {
  readonly #connection: Connection
  readonly #entries = new Map<Stream, Entry>()
  /** By what the present link knows them by. */
  readonly #open = new Map<string, Entry>()
  #lastId = 0

  constructor(credentials: Credentials, WebSocket: WebSocketConstructor | undefined) {
    this.#connection = new Connection(credentials, WebSocket, {
      connected: () => this.#each((entry) => this.#openEntry(entry)),
      message: (message) => this.#receive(message),
      userChanges: (isOther) => this.#each((entry) => this.#changeUser(entry, isOther)),
      lost: () => this.#each((entry) => this.#pause(entry)),
      refused: (error) =>
        this.#each((entry) => {
          this.#detach(entry)
          entry.stream.fail(error)
        }),
    })
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  subscribe(callback: (state: ConnectionState) => void): () => void {
    return this.#connection.subscribe(callback)
  }

  reconnect(): void {
    this.#connection.reconnect()
  }

  close(): void {
    this.#connection.close()
    this.#each((entry) => {
      this.#detach(entry)
      this.#entries.delete(entry.stream)
      entry.stream.end()
    })
  }

  /** Follows a stream until it is removed. Throws where there is no WebSocket. */
  add(stream: Stream): void {
    this.#connection.need()
    const entry: Entry = { stream, id: null, hasFailed: false, timer: undefined, backoff: new Backoff() }
    this.#entries.set(stream, entry)
    if (this.#connection.state.status === 'connected') this.#openEntry(entry)
  }

  remove(stream: Stream): void {
    const entry = this.#entries.get(stream)
    if (entry === undefined) return
    this.#closeEntry(entry)
    this.#entries.delete(stream)
    if (this.#entries.size === 0) this.#connection.release()
  }

  /** Says something about an open stream, or over it; false if that is impossible now. Throws if it is too long. */
  say(stream: Stream, message: (id: string) => ClientMessage): boolean {
    const id = this.#entries.get(stream)?.id
    if (typeof id !== 'string' || !this.#connection.isReady) return false
    const said = message(id)
    const fault = faultOf(said)
    if (fault !== null) throw fault
    this.#connection.send(said)
    return true
  }

  #receive(message: ServerMessage): void {
    if (!('id' in message) || typeof message.id !== 'string') return
    // An id that isn't known any more: what was on its way when the stream was closed.
    const entry = this.#open.get(message.id.replace('!', ''))
    if (entry === undefined) return
    if (message.type === 'error') this.#fail(entry, message)
    else if (message.type === 'resync') this.#reopen(entry, (stream) => stream.reset())
    else {
      entry.backoff.succeeded()
      entry.stream.receive(message)
    }
  }

  #fail(entry: Entry, { id, code, detail, errors }: ServerMessage & { readonly type: 'error' }): void {
    const error = new BasaltError(code, detail, { errors })
    if (id !== entry.id || id === null) return entry.stream.complain(error)
    // In case the server only means a message about it: it is over for both.
    this.#connection.send({ type: 'unsubscribe', id })
    if (passingCodes.has(code)) return this.#reopen(entry, (stream) => stream.pause())
    this.#detach(entry)
    entry.hasFailed = true
    entry.stream.fail(error)
  }

  #openEntry(entry: Entry): void {
    if (entry.hasFailed || entry.id !== null) return
    const id = `${++this.#lastId}`
    const message = entry.stream.open(id)
    const fault = faultOf(message)
    if (fault !== null) {
      entry.hasFailed = true
      return entry.stream.fail(fault)
    }
    entry.id = id
    this.#open.set(id, entry)
    this.#connection.send(message)
  }

  /** The server has ended the stream on its side. */
  #reopen(entry: Entry, tell: (stream: Stream) => void): void {
    this.#detach(entry)
    tell(entry.stream)
    entry.timer = setTimeout(() => {
      if (this.#connection.state.status === 'connected') this.#openEntry(entry)
    }, entry.backoff.nextDelayMs())
  }

  #changeUser(entry: Entry, isOther: boolean): void {
    this.#closeEntry(entry)
    if (isOther) entry.stream.forget()
    else entry.stream.reset()
    entry.hasFailed = false
  }

  #pause(entry: Entry): void {
    this.#detach(entry)
    if (!entry.hasFailed) entry.stream.pause()
  }

  #closeEntry(entry: Entry): void {
    const { id } = entry
    if (id !== null && !this.#connection.takeBack(id)) this.#connection.send({ type: 'unsubscribe', id })
    this.#detach(entry)
  }

  #detach(entry: Entry): void {
    clearTimeout(entry.timer)
    if (entry.id !== null) this.#open.delete(entry.id)
    entry.id = null
  }

  #each(work: (entry: Entry) => void): void {
    // What is added meanwhile looks after itself, and what is removed is over.
    const entries = Array.from(this.#entries.values())
    entries.forEach((entry) => this.#entries.has(entry.stream) && work(entry))
  }
}

/** The server closes the whole socket on a message that is too long: it isn't sent. */
function faultOf(message: ClientMessage): BasaltError | null {
  const text = JSON.stringify(message)
  if (text.length * 3 <= longestMessage || bytesOf(text) <= longestMessage) return null
  return new BasaltError('payload_too_large', `A realtime message has at most ${longestMessage} bytes.`)
}

/** In UTF-8; React Native long had no `TextEncoder`. */
function bytesOf(text: string): number {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}
