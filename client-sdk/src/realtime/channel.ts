import type { BasaltError } from '../basalt-error.ts'
import { abortError } from '../deadline.ts'
import { Listeners } from './listeners.ts'
import { MemberList } from './member-list.ts'
import type { ClientMessage, StreamMessage } from './protocol.ts'
import type { Realtime } from './realtime.ts'
import type { Stream } from './stream.ts'

/**
 * Whether one is in a channel:
 *
 *             join             answered            connection lost, another user
 *      left ───────► joining ──────────► joined ◄───────────────────────────────► reconnecting
 *       ▲               │  ▲                │                answered                  │
 *       │               ▼  │ another user   │ the rules say no                         │
 *       │             failed ◄──────────────┴──────────────────────────────────────────┘
 *       └── leave, from each of them
 */
export type ChannelState =
  | { readonly status: 'left' | 'joining' | 'joined' | 'reconnecting' }
  | { readonly status: 'failed'; readonly error: BasaltError }

/** Who has sent something: the user, as the server knows them. Null for the anonymous and for servers. */
export interface Sender {
  readonly uid: string | null
}

interface JoinOptions<Presence> {
  /** Shows oneself to the others: a JSON object of at most 4 KiB. */
  readonly presence?: Presence
  /** Leaves. */
  readonly signal?: AbortSignal
}

interface Waiter {
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/**
 * A channel, as one member of it: messages between those who are in it, and who they are. Nothing is stored; what must
 * not be lost belongs into a document.
 */
export class Channel<Presence = unknown, Events = Record<string, unknown>> {
  readonly name: string
  readonly presence: MemberList<Presence>
  readonly #realtime: Realtime
  readonly #stream: Stream
  readonly #states = new Listeners<ChannelState>()
  readonly #messages = new Listeners<StreamMessage & { readonly type: 'broadcast' }>()
  readonly #complaints = new Listeners<BasaltError>()
  #state: ChannelState = { status: 'left' }
  #own: Presence | undefined
  #waiters: Waiter[] = []
  #forgetSignal = (): void => {}

  /** @internal */
  constructor(realtime: Realtime, name: string) {
    this.name = name
    this.#realtime = realtime
    this.presence = new MemberList((presence) => this.#showOneself(presence))
    this.#stream = {
      open: (id) => this.#openingMessage(id),
      receive: (message) => this.#receive(message),
      pause: () => this.#enter({ status: this.#wasJoined() ? 'reconnecting' : 'joining' }),
      reset: () => this.#stream.pause(),
      forget: () => {
        this.#own = undefined
        this.presence.enter([])
        this.#enter({ status: 'joining' })
      },
      fail: (error) => {
        this.presence.enter([])
        this.#enter({ status: 'failed', error })
        this.#settle(({ reject }) => reject(error))
      },
      complain: (error) => this.#complaints.tell(error),
      end: () => this.leave(),
    }
  }

  get state(): ChannelState {
    return this.#state
  }

  /** Calls at once and at every change, until the returned function is called. */
  subscribe(callback: (state: ChannelState) => void): () => void {
    const stop = this.#states.add(callback)
    callback(this.#state)
    return stop
  }

  /**
   * Joins, and joins again whenever the connection comes back. Resolves once the server has answered; fails with
   * `forbidden` if the channel's rules say no, and with the signal's reason.
   */
  async join({ presence, signal }: JoinOptions<Presence> = {}): Promise<void> {
    if (signal?.aborted) throw signal.reason ?? abortError()
    if (presence !== undefined) this.presence.update(presence)
    if (this.#state.status === 'failed') this.leave()
    if (this.#state.status === 'left') {
      this.#realtime.add(this.#stream)
      if (this.#state.status === 'left') this.#enter({ status: 'joining' })
    }
    this.#leaveWith(signal)
    if (!this.#wasJoined()) {
      await new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }))
    }
  }

  /** Calls with every message of that name that others send, until the returned function is called. */
  on<Event extends keyof Events & string>(
    event: Event,
    callback: (payload: Events[Event], sender: Sender) => void,
  ): () => void {
    return this.#messages.add((message) => {
      if (message.event === event) callback(message.payload as Events[Event], { uid: message.uid })
    })
  }

  /** Calls when the server refuses a message: the rules say no, or it was one of too many. */
  onError(callback: (error: BasaltError) => void): () => void {
    return this.#complaints.add(callback)
  }

  /**
   * Sends to everybody else in the channel. False if there is no connection, or no keeping up: then it is gone.
   * Throws if the message is over 64 KiB.
   */
  broadcast<Event extends keyof Events & string>(event: Event, payload: Events[Event]): boolean {
    const message = { type: 'broadcast', channel: this.name, event, payload } as const
    return this.#realtime.say(this.#stream, (id) => ({ ...message, id: `${id}!` }))
  }

  /** Leaves. Listeners stay for another `join`. A `join` that is still waiting throws the reason. */
  leave(reason: unknown = abortError()): void {
    this.#realtime.remove(this.#stream)
    this.#leaveWith(undefined)
    this.presence.enter([])
    this.#enter({ status: 'left' })
    this.#settle(({ reject }) => reject(reason))
  }

  #leaveWith(signal: AbortSignal | undefined): void {
    this.#forgetSignal()
    if (signal === undefined) return
    const leave = (): void => this.leave(signal.reason)
    signal.addEventListener('abort', leave)
    this.#forgetSignal = () => signal.removeEventListener('abort', leave)
  }

  #openingMessage(id: string): ClientMessage {
    const presence = this.#own
    const message = { type: 'join', id, channel: this.name } as const
    if (!this.#wasJoined()) this.#enter({ status: 'joining' })
    return presence === undefined ? message : { ...message, presence }
  }

  #receive(message: StreamMessage): void {
    if (message.type === 'broadcast') this.#messages.tell(message)
    if (message.type !== 'presence') return
    this.presence.receive(message)
    if (message.kind !== 'state') return
    this.#enter({ status: 'joined' })
    this.#settle(({ resolve }) => resolve())
  }

  #showOneself(presence: Presence | null): void {
    this.#own = presence ?? undefined
    this.#realtime.say(this.#stream, (id) => ({ type: 'presence', id, presence }))
  }

  #wasJoined(): boolean {
    return this.#state.status === 'joined' || this.#state.status === 'reconnecting'
  }

  #settle(how: (waiter: Waiter) => void): void {
    for (const waiter of this.#waiters.splice(0)) how(waiter)
  }

  #enter(state: ChannelState): void {
    if (state.status === this.#state.status) return
    this.#state = state
    this.#states.tell(state)
  }
}
