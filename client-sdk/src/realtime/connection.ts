import { readClaims } from '../auth/read-claims.ts'
import { BasaltError } from '../basalt-error.ts'
import { Backoff } from './backoff.ts'
import { type ConnectionState, leaveState, type OwnState, showState, type Timer } from './connection-state.ts'
import type { Credentials } from './credentials.ts'
import { Link } from './link.ts'
import { Listeners } from './listeners.ts'
import type { ClientMessage, ServerMessage } from './protocol.ts'
import { onWake } from './wake.ts'
import { platformWebSocket, type WebSocketConstructor } from './web-socket.ts'

interface ConnectionEvents {
  /** Whatever is wanted has to be asked for: the link, or its user, is new. */
  connected(): void
  message(message: ServerMessage): void
  /** Told while what was asked for can still be taken back. */
  userChanges(isOther: boolean): void
  lost(): void
  refused(error: BasaltError): void
}

/** Proxies drop what is silent for a minute, and an access token is due a minute before its end. */
const beatMs = 25_000
const lingerMs = 5_000
/** For the token; the handshake has a deadline of its own. */
const tokenDeadlineMs = 30_000
/** A fresh token that is refused so soon was never accepted. */
const acceptedAfterMs = 10_000
/** Why a handshake failed is asked for at the first failure and each so many. */
const failuresAQuestion = 5
/** What the word of a server that is overloaded counts for. */
const overloadedFailures = 4

/** Holds the socket open while somebody needs it, as whoever is signed in. */
export class Connection {
  readonly #credentials: Credentials
  readonly #WebSocket: WebSocketConstructor | undefined
  readonly #events: ConnectionEvents
  readonly #listeners = new Listeners<ConnectionState>()
  readonly #backoff = new Backoff()
  #state: OwnState = { status: 'idle' }
  #shown: ConnectionState = { status: 'idle' }
  /** What the server was last told. */
  #token: string | null = null
  /** A token that the server refused is exchanged once: `greetedAt` is when the exchanged one was shown. */
  #renewal: { readonly refused: string | undefined; readonly greetedAt?: number } | null = null
  #complaint: BasaltError | undefined
  /** Why a handshake failed: until there is another user, or a connection. */
  #question: object | undefined
  #linger: Timer | undefined
  #stopListening: (() => void) | undefined

  constructor(
    credentials: Credentials,
    WebSocket: WebSocketConstructor | undefined,
    events: ConnectionEvents,
  ) {
    this.#credentials = credentials
    this.#WebSocket = WebSocket
    this.#events = events
  }

  get state(): ConnectionState {
    return this.#shown
  }

  /** Calls at once and at every change, until the returned function is called. */
  subscribe(callback: (state: ConnectionState) => void): () => void {
    const stop = this.#listeners.add(callback)
    callback(this.#shown)
    return stop
  }

  /** Opens the socket unless it is open or about to be. Throws where there is no WebSocket. */
  need(): void {
    clearTimeout(this.#linger)
    this.#linger = undefined
    const { status } = this.#state
    if (status !== 'idle' && status !== 'refused') return
    if (this.#WebSocket === undefined) platformWebSocket()
    this.#stopListening ??= this.#listen()
    this.#connect()
  }

  /** Nobody needs the socket now. It is closed if that stays so for a while. */
  release(): void {
    this.#linger ??= setTimeout(() => this.close(), lingerMs)
  }

  close(): void {
    clearTimeout(this.#linger)
    this.#linger = undefined
    this.#stopListening?.()
    this.#stopListening = undefined
    this.#token = null
    this.#renewal = null
    this.#question = undefined
    this.#enter({ status: 'idle' })
  }

  /** Tries now instead of later. If the connection is open: looks whether it is alive, and for a new token. */
  reconnect(): void {
    const { status } = this.#state
    if (status === 'connected') this.#beat()
    else if (status === 'waiting' || status === 'refused') this.#connect()
  }

  /** Whether a message would be sent, and soon. */
  get isReady(): boolean {
    return this.#state.status === 'connected' && !this.#state.link.isFull
  }

  /** Nothing is kept for the next link: what was wanted on this one is asked for again. */
  send(message: ClientMessage): void {
    if (this.#state.status === 'connected') this.#state.link.send(message)
  }

  /** Takes back what was not sent yet. Says whether the server never heard of that id. */
  takeBack(id: string): boolean {
    return this.#state.status === 'connected' && this.#state.link.takeBack(id)
  }

  #connect(): void {
    const state: OwnState = { status: 'connecting', link: null, timer: this.#tokenTimer() }
    this.#enter(state)
    this.#withToken(state, (token) => this.#open(token))
  }

  #changeUser(link: Link): void {
    const state: OwnState = { status: 'changing', link, timer: this.#tokenTimer() }
    this.#enter(state)
    this.#withToken(state, (token) => {
      link.send({ type: 'auth', token })
      this.#greeted(link, token)
    })
  }

  #tokenTimer(): Timer {
    return setTimeout(() => this.#lose(1006), tokenDeadlineMs)
  }

  #withToken(state: OwnState, use: (token: string | null) => void): void {
    this.#askToken().then(
      (token) => {
        if (this.#state !== state) return
        const isRefused = token !== null && token === this.#renewal?.refused
        if (isRefused || (token === null && !this.#credentials.admitsAnonymous)) this.#refuse()
        else use(token)
      },
      () => {
        if (this.#state === state) this.#lose(1006)
      },
    )
  }

  async #askToken(): Promise<string | null> {
    return this.#credentials.token(this.#renewal?.refused)
  }

  #open(token: string | null): void {
    try {
      const link = this.#newLink(token)
      this.#enter({ status: 'connecting', link, timer: this.#tokenTimer() })
    } catch {
      // What a page's policy forbids, for one.
      this.#failHandshake(1006)
    }
  }

  #newLink(token: string | null): Link {
    let isOpen = false
    const link: Link = new Link(this.#credentials.url, this.#WebSocket ?? platformWebSocket(), {
      opened: () => {
        isOpen = true
        if (token !== null) link.send({ type: 'auth', token })
        this.#greeted(link, token)
      },
      message: (message) => this.#receive(message),
      lost: (code) => (isOpen ? this.#lose(code) : this.#failHandshake(code)),
    })
    return link
  }

  #failHandshake(code: number): void {
    this.#lose(code)
    if (this.#backoff.failures % failuresAQuestion === 1) this.#findRefusal()
  }

  /** Messages are handled in order: what follows the token acts as its user. */
  #greeted(link: Link, token: string | null): void {
    if (this.#token !== null && !isSameUser(token, this.#token)) this.#events.userChanges(true)
    this.#token = token
    this.#complaint = undefined
    this.#question = undefined
    if (this.#renewal !== null) this.#renewal = { refused: undefined, greetedAt: Date.now() }
    this.#enter({ status: 'connected', link })
    this.#events.connected()
  }

  #receive(message: ServerMessage): void {
    if (message.type === 'ready') this.#backoff.succeeded()
    if (message.type !== 'error' || message.id !== undefined) return this.#events.message(message)
    if (message.code === 'unauthenticated') this.#complaint = new BasaltError(message.code, message.detail)
    // Something was dropped, and there is no telling what.
    if (message.code === 'rate_limited') this.#lose(1013)
  }

  #lose(code: number): void {
    const isRefused = code === 4401
    if (isRefused && !this.#mayRenew()) return this.#refuse()
    if (isRefused) {
      this.#renewal = { refused: this.#token ?? undefined }
      this.#connect()
    } else this.#wait(code)
    this.#events.lost()
  }

  #mayRenew(): boolean {
    const { greetedAt } = this.#renewal ?? {}
    return this.#renewal === null || (greetedAt !== undefined && Date.now() - greetedAt >= acceptedAfterMs)
  }

  #wait(code: number): void {
    const delay = this.#backoff.nextDelayMs(code === 1013 ? overloadedFailures : 0)
    const timer = setTimeout(() => this.#connect(), delay)
    this.#enter({ status: 'waiting', retryAt: Date.now() + delay, timer })
  }

  #refuse(error = this.#complaint): void {
    const reason = error ?? new BasaltError('unauthenticated', 'The server refused the credentials.')
    this.#renewal = null
    this.#enter({ status: 'refused', error: reason })
    this.#events.refused(reason)
  }

  #findRefusal(): void {
    const question = (this.#question = {})
    this.#credentials.findRefusal().then(
      (error) => {
        if (error !== null && this.#question === question) this.#refuse(error)
      },
      () => undefined,
    )
  }

  #listen(): () => void {
    const beat = setInterval(() => this.#beat(), beatMs)
    const stopWaking = onWake(() => {
      if (this.#state.status !== 'refused') this.reconnect()
    })
    const stopFollowing = this.#credentials.onUserChange((isOther) => this.#onUserChange(isOther))
    return () => {
      clearInterval(beat)
      stopWaking()
      stopFollowing()
    }
  }

  #beat(): void {
    const state = this.#state
    if (state.status !== 'connected') return
    state.link.check()
    this.#askToken().then(
      (token) => {
        if (this.#state !== state || token === this.#token) return
        if (!isSameUser(token, this.#token)) return this.#onUserChange(this.#token !== null)
        this.#token = token
        state.link.send({ type: 'auth', token })
      },
      // Without a connection for now. The next beat asks again, before the token ends.
      () => undefined,
    )
  }

  #onUserChange(isOther: boolean): void {
    const state = this.#state
    if (state.status === 'idle') return
    this.#renewal = null
    this.#question = undefined
    this.#events.userChanges(isOther)
    if (state.status === 'connected' || state.status === 'changing') this.#changeUser(state.link)
    else this.#connect()
  }

  #enter(next: OwnState): void {
    leaveState(this.#state, next)
    this.#state = next
    const shown = showState(next)
    if (shown.status === this.#shown.status && shown.status !== 'waiting') return
    this.#shown = shown
    this.#listeners.tell(shown)
  }
}

/** Tokens from elsewhere may come to be another user's without a word; the client's own sessions say so. */
function isSameUser(a: string | null, b: string | null): boolean {
  return a !== null && b !== null && readClaims(a)?.sub === readClaims(b)?.sub
}
