import { onTestFinished, vi } from 'vitest'
import {
  type Basalt,
  type ClientOptions,
  createClient,
  memoryStorage,
  type UntypedSchema,
  type WebSocketConstructor,
  type WebSocketLike,
} from '../src/client.ts'

type Message = { readonly type: string; readonly id?: string } & Readonly<Record<string, unknown>>

/** The server's end of a socket, which does what the test says, and answers pings unless it is to be silent. */
class ScriptedSocket implements WebSocketLike {
  readonly url: string
  readonly sent: Message[] = []
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: { readonly data: unknown }) => void) | null = null
  onclose: ((event: { readonly code: number }) => void) | null = null
  onerror: ((event: never) => void) | null = null
  isClosed = false
  isSilent = false

  constructor(url: string) {
    this.url = url
  }

  send(text: string): void {
    const message: Message = JSON.parse(text)
    this.sent.push(message)
    if (message.type === 'ping' && !this.isSilent) queueMicrotask(() => this.say({ type: 'pong' }))
  }

  close(): void {
    this.isClosed = true
  }

  open(): void {
    this.onopen?.({} as never)
    this.say({ type: 'ready' })
  }

  say(...messages: object[]): void {
    for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) })
  }

  end(code = 1006): void {
    this.onclose?.({ code })
  }

  snapshot(id: string, documents: object[], cursor = 'c1'): void {
    this.say({ type: 'snapshot', id, documents, cursor })
  }

  change(id: string, changes: object[], cursor = 'c2'): void {
    this.say({ type: 'change', id, changes, cursor })
  }

  refuse(code: string, id?: string): void {
    this.say({ type: 'error', id, code, detail: `detail of ${code}` })
  }

  /** What was sent of a type. */
  sentOf(type: string): Message[] {
    return this.sent.filter((message) => message.type === type)
  }

  /** The id of the last thing opened. */
  get lastId(): string {
    return this.sent.findLast(({ type }) => type === 'subscribe' || type === 'join')!.id!
  }
}

export interface Script {
  readonly sockets: ScriptedSocket[]
  readonly client: Basalt<UntypedSchema>
  /** The last socket. */
  readonly socket: ScriptedSocket
  /** Lets time pass, and everything that is due by then happen. */
  pass(ms?: number): Promise<void>
  /** The next socket, open, with what was sent at once. */
  connect(): Promise<ScriptedSocket>
}

/** A client on sockets and a clock that are in the test's hands; chance says `random`. */
export function script(options: Partial<ClientOptions<UntypedSchema>> = {}, random = 0.5): Script {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
  vi.spyOn(Math, 'random').mockReturnValue(random)
  const sockets: ScriptedSocket[] = []
  const webSocket: WebSocketConstructor = class extends ScriptedSocket {
    constructor(url: string) {
      super(url)
      sockets.push(this)
    }
  }
  const client: Basalt<UntypedSchema> = createClient({
    url: 'https://basalt.example',
    project: 'demo',
    key: 'pk_1',
    webSocket,
    auth: { storage: memoryStorage() },
    fetch: () => Promise.reject(new TypeError('there is no network')),
    ...options,
  })
  onTestFinished(() => {
    client.realtime.close()
    vi.useRealTimers()
    vi.restoreAllMocks()
  })
  const pass = async (ms = 0): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms))
  const last = (): ScriptedSocket => {
    const socket = sockets.at(-1)
    if (socket === undefined) throw new Error('no socket was opened')
    return socket
  }
  return {
    sockets,
    client,
    get socket() {
      return last()
    },
    pass,
    async connect() {
      await pass()
      const socket = last()
      socket.open()
      await pass()
      return socket
    },
  }
}
