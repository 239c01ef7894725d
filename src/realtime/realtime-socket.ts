import type { WebSocket } from '@fastify/websocket'
import type { RawData } from 'ws'
import { ApiError, invalidValue } from '../platform/errors.ts'
import { toApiError } from '../platform/problems.ts'
import type { Actor } from '../projects/actor.ts'
import { ChannelMemberships } from './channels/memberships.ts'
import { type ClientMessage, InvalidMessage, readClientMessage, UnreadableMessage } from './client-message.ts'
import { Inbox } from './inbox.ts'
import { LiveQueries } from './live/live-queries.ts'
import { MessageLimit } from './message-limit.ts'
import { Outbox } from './outbox.ts'
import type { Realtime } from './realtime.ts'
import { type Opening, SocketIdentity } from './socket-identity.ts'
import type { Holder } from './standings.ts'

/** Why the server closes a socket. Below 4000 as in RFC 6455, section 7.4.1, and the IANA registry. */
const closeCodes = {
  goingAway: 1001,
  idle: 1000,
  tryLater: 1013,
  unreadable: 4400,
  unauthenticated: 4401,
} as const

const maxUnreadable = 3

/** One client's connection: who it is, what it follows, and how much it may say. */
export class RealtimeSocket implements Holder {
  readonly ip: string
  readonly #realtime: Realtime
  readonly #socket: WebSocket
  readonly #identity: SocketIdentity
  readonly #inbox: Inbox
  readonly #outbox: Outbox
  readonly #limit: MessageLimit
  readonly #queries: LiveQueries
  readonly #channels: ChannelMemberships
  /** Subscriptions that ended while the reader did not read, to be told when it reads again. */
  readonly #behind: string[] = []
  #unreadable = 0
  #isAlive = true
  readonly #openedAt = Date.now()
  #usedAt = Date.now()
  #pingAt: number
  /** When `keepAlive` has something to do, at the earliest. */
  dueAt = 0

  constructor(realtime: Realtime, socket: WebSocket, opening: Opening, actor: Actor | null) {
    const { documents, channels, services } = realtime
    this.#realtime = realtime
    this.#socket = socket
    this.ip = opening.ip
    // Thousands that came in the same second are not pinged in the same second.
    this.#pingAt = Date.now() + Math.random() * services.config.limits.socketPingMs
    this.#identity = new SocketIdentity(realtime.standings, opening, actor, this)
    this.#inbox = new Inbox(socket, (text) => this.#handle(text))
    this.#outbox = new Outbox(socket, {
      maxBufferedBytes: services.config.limits.socketBufferBytes,
      onLag: () => this.#fallBehind(),
      onCaughtUp: () => this.#catchUp(),
      onStuck: () => this.#close(closeCodes.tryLater, 'The reader is too slow.'),
    })
    this.#limit = new MessageLimit(services.config)
    const send = (text: string): void => this.#outbox.send(text)
    const hub = (): ReturnType<Realtime['hubOf']> => realtime.hubOf(opening.project)
    this.#queries = new LiveQueries(documents, {
      send,
      hub,
      caller: () => this.#identity.caller('documents:read'),
    })
    this.#channels = new ChannelMemberships(channels, {
      projectId: opening.project.id,
      send,
      sendError: (id, reason) => this.#sendError(id, toApiError(reason)),
      caller: (scope) => this.#identity.caller(scope),
      hub,
    })
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
    socket.on('pong', () => (this.#isAlive = true))
    socket.on('close', () => this.#end())
    if (actor !== null) this.#outbox.send('{"type":"ready"}')
  }

  async rightsChanged(): Promise<void> {
    try {
      await this.#queries.reconsiderAll()
      await this.#channels.reconsider()
    } catch (error) {
      this.refuse(toApiError(error))
    }
  }

  /** Credentials that don't hold close the socket; that the database does not answer doesn't. */
  refuse(reason: ApiError): void {
    if (reason.status !== 401) {
      if (reason.status < 500) this.#sendError(undefined, reason)
      return
    }
    this.#stopAll()
    this.#sendError(undefined, reason)
    this.#close(closeCodes.unauthenticated, reason.message)
  }

  /** Pings, and closes what nobody uses. */
  keepAlive(now: number): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    const { socketAuthMs, socketPingMs, socketIdleMs } = this.#realtime.services.config.limits
    const authAt = this.#identity.isKnown ? Number.POSITIVE_INFINITY : this.#openedAt + socketAuthMs
    const idleAt = this.#followsNothing() ? this.#usedAt + socketIdleMs : Number.POSITIVE_INFINITY
    if (now >= authAt) return this.#close(closeCodes.unauthenticated, 'Nobody said who this is.')
    if (now >= idleAt) return this.#close(closeCodes.idle, 'Nothing was followed.')
    if (now >= this.#pingAt) {
      // Whoever did not answer the last one is not there any more.
      if (!this.#isAlive) return this.terminate()
      this.#isAlive = false
      this.#pingAt = now + socketPingMs
      this.#socket.ping()
    }
    this.dueAt = Math.min(authAt, idleAt, this.#pingAt)
  }

  #followsNothing(): boolean {
    return this.#queries.size + this.#channels.size === 0
  }

  /** Asks the client to go elsewhere. */
  goAway(): void {
    this.#close(closeCodes.goingAway, 'The server stops.')
  }

  terminate(): void {
    this.#socket.terminate()
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#isAlive = true
    const text = isBinary ? '' : textOf(data)
    if (this.#limit.take()) this.#inbox.add(text)
    else this.#sendError(idIn(text), new ApiError('rate_limited', 'Too many messages; this one was dropped.'))
  }

  async #handle(text: string): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    try {
      await this.#obey(readClientMessage(text))
      this.#unreadable = 0
    } catch (error) {
      if (error instanceof UnreadableMessage) return this.#countUnreadable()
      this.#unreadable = 0
      if (error instanceof InvalidMessage) this.#sendError(error.id, error.reason)
      else this.#sendError(undefined, toApiError(error))
    }
  }

  async #obey(message: ClientMessage): Promise<void> {
    this.#usedAt = Date.now()
    switch (message.type) {
      case 'auth':
        return this.#authenticate(message.token)
      case 'subscribe':
        return this.#answering(message.id, async () => {
          this.#requireNewId(message.id)
          await this.#queries.subscribe(message)
        })
      case 'unsubscribe':
        this.#queries.unsubscribe(message.id)
        this.#channels.leave(message.id)
        return
      case 'join':
        return this.#answering(message.id, async () => {
          this.#requireNewId(message.id)
          await this.#channels.join(message)
        })
      case 'presence':
        return this.#answering(message.id, () => this.#channels.changePresence(message.id, message.presence))
      case 'broadcast':
        return this.#answering(message.id, () => this.#channels.broadcast(message))
      case 'ping':
        this.#outbox.send('{"type":"pong"}')
        this.#queries.tellCursors()
    }
  }

  /** What is wrong is told under the id of the message. */
  async #answering(id: string | undefined, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#sendError(id, toApiError(error))
    }
  }

  #requireNewId(id: string): void {
    if (this.#queries.has(id) || this.#channels.has(id))
      throw invalidValue('id', 'is in use', 'already_exists')
    const { subscriptionsPerSocket: max } = this.#realtime.services.config.limits
    if (this.#queries.size + this.#channels.size >= max) {
      throw new ApiError('quota_exceeded', `A socket has at most ${max} subscriptions and channels.`)
    }
  }

  async #authenticate(token: string | null): Promise<void> {
    try {
      const isOther = await this.#identity.authenticate(token)
      this.#outbox.send('{"type":"ready"}')
      if (isOther) await this.rightsChanged()
    } catch (error) {
      this.refuse(toApiError(error))
    }
  }

  #countUnreadable(): void {
    this.#unreadable++
    this.#sendError(undefined, invalidValue('', 'is not a JSON object', 'malformed'))
    if (this.#unreadable >= maxUnreadable) this.#close(closeCodes.unreadable, 'Messages are JSON objects.')
  }

  #sendError(id: string | undefined, { code, message, errors }: ApiError): void {
    this.#outbox.send(JSON.stringify({ type: 'error', id, code, detail: message, errors }))
  }

  /** What the reader has can't be brought up to date any more without keeping everything for it. */
  #fallBehind(): void {
    this.#behind.push(...this.#queries.stopAll())
  }

  #catchUp(): void {
    for (const id of this.#behind.splice(0)) this.#outbox.send(JSON.stringify({ type: 'resync', id }))
    this.#channels.tellStates()
  }

  #stopAll(): void {
    this.#queries.close()
    this.#channels.close()
  }

  #close(code: number, reason: string): void {
    this.#socket.close(code, reason)
  }

  #end(): void {
    this.#outbox.close()
    this.#identity.close()
    this.#stopAll()
    this.#realtime.sockets.delete(this)
  }
}

function textOf(data: RawData): string {
  return (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as ArrayBuffer)).toString()
}

/** Of a message that is not read: its id is told if it stands near the beginning, as most clients write it. */
function idIn(text: string): string | undefined {
  return /"id"\s*:\s*"([^"\\]{1,64})"/.exec(text.slice(0, 200))?.[1]
}
