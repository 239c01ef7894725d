import type { WebSocketConstructor, WebSocketLike } from '../src/client.ts'

export interface Doc {
  readonly id: string
  readonly votes: number
  readonly group: number
}

export interface Question {
  readonly group: number
  readonly sort: 'votes' | '-votes'
  readonly limit: number
}

type Message = Record<string, unknown>

interface Following {
  readonly question: Question
  list: readonly Doc[]
}

/** What the documents were after each write. */
type History = ReadonlyMap<string, Doc>[]

/**
 * A small server of live queries that keeps all it ever knew. What it says, and what it is told, is on its way until
 * the test delivers it, and lost when the connection breaks.
 */
export class ModelServer {
  readonly history: History = [new Map()]
  readonly #sockets = new Set<ModelSocket>()
  /** What came before is forgotten: cursors from there are of no use. */
  #keptFrom = 0
  /** So many of the next subscriptions are refused for the moment. */
  busyFor = 0
  isDown = false

  readonly WebSocket: WebSocketConstructor

  constructor() {
    const connect = (socket: ModelSocket): void => void this.#sockets.add(socket)
    this.WebSocket = class extends ModelSocket {
      constructor() {
        super(connect)
      }
    }
  }

  get now(): number {
    return this.history.length - 1
  }

  write(change: (documents: Map<string, Doc>) => void): void {
    const documents = new Map(this.history.at(-1))
    change(documents)
    this.history.push(documents)
    for (const socket of this.#sockets) {
      for (const [id, following] of socket.followed) this.#tellChange(socket, id, following)
    }
  }

  answer({ group, sort, limit }: Question, at = this.now): readonly Doc[] {
    const sign = sort === 'votes' ? 1 : -1
    return [...this.history[at]!.values()]
      .filter((document) => document.group === group)
      .sort((a, b) => sign * (a.votes - b.votes) || (a.id < b.id ? -1 : 1))
      .slice(0, limit)
  }

  /** Lets up to so many messages arrive, in both directions. */
  deliver(count = Number.POSITIVE_INFINITY): boolean {
    let delivered = 0
    for (const socket of this.#sockets) {
      if (!socket.isOpen) {
        if (this.isDown) this.#break(socket, 1006)
        else socket.open()
      }
      for (; delivered < count && socket.toServer.length > 0; delivered++) {
        this.#handle(socket, socket.toServer.shift()!)
      }
      for (; delivered < count && socket.toClient.length > 0; delivered++) {
        // Copies, as from a wire.
        socket.onmessage?.({ data: JSON.stringify(socket.toClient.shift()) })
      }
      if (socket.isClosed) this.#sockets.delete(socket)
    }
    return delivered > 0
  }

  breakAll(code: number): void {
    for (const socket of this.#sockets) this.#break(socket, code)
  }

  forget(): void {
    this.#keptFrom = this.now
  }

  /** Says it all again, or that it has to be asked again, without a reason. */
  interrupt(kind: 'snapshot' | 'resync'): void {
    for (const socket of this.#sockets) {
      for (const [id, following] of socket.followed) {
        if (kind === 'snapshot') this.#tellAll(socket, id, following)
        else this.#resync(socket, id)
      }
    }
  }

  #break(socket: ModelSocket, code: number): void {
    this.#sockets.delete(socket)
    socket.onclose?.({ code })
  }

  #handle(socket: ModelSocket, { type, id, cursor, where, sort, limit }: Message): void {
    if (type === 'ping') socket.toClient.push({ type: 'pong' })
    if (type === 'unsubscribe') socket.followed.delete(String(id))
    if (type !== 'subscribe') return
    if (socket.followed.has(String(id))) throw new Error('an id was used twice')
    if (this.busyFor > 0) {
      this.busyFor -= 1
      return void socket.toClient.push({ type: 'error', id, code: 'unavailable', detail: 'busy' })
    }
    const question = {
      group: (where as Doc).group,
      sort: (sort as Question['sort'][])[0]!,
      limit: Number(limit),
    }
    const following: Following = { question, list: [] }
    socket.followed.set(String(id), following)
    if (cursor === undefined) return this.#tellAll(socket, String(id), following)
    if (Number(cursor) < this.#keptFrom) return this.#resync(socket, String(id))
    following.list = this.answer(question, Number(cursor))
    this.#tellChange(socket, String(id), following)
  }

  #resync(socket: ModelSocket, id: string): void {
    socket.followed.delete(id)
    socket.toClient.push({ type: 'resync', id })
  }

  #tellAll(socket: ModelSocket, id: string, following: Following): void {
    following.list = this.answer(following.question)
    socket.toClient.push({ type: 'snapshot', id, documents: following.list, cursor: String(this.now) })
  }

  #tellChange(socket: ModelSocket, id: string, following: Following): void {
    const list = this.answer(following.question)
    const changes = steps(following.list, list)
    following.list = list
    socket.toClient.push({ type: 'change', id, changes, cursor: String(this.now) })
  }
}

class ModelSocket implements WebSocketLike {
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: { readonly data: unknown }) => void) | null = null
  onclose: ((event: { readonly code: number }) => void) | null = null
  onerror: ((event: never) => void) | null = null
  readonly toServer: Message[] = []
  readonly toClient: Message[] = []
  readonly followed = new Map<string, Following>()
  isOpen = false
  isClosed = false

  constructor(connect: (socket: ModelSocket) => void) {
    connect(this)
  }

  open(): void {
    this.isOpen = true
    this.onopen?.({} as never)
    this.toClient.push({ type: 'ready' })
  }

  send(text: string): void {
    this.toServer.push(JSON.parse(text))
  }

  close(): void {
    this.isClosed = true
  }
}

/** Step by step from one list to another: everything that goes, then each place from the front. */
function steps(from: readonly Doc[], to: readonly Doc[]): object[] {
  const changes: object[] = []
  let list = from
  for (const { id } of from) {
    if (to.some((document) => document.id === id)) continue
    list = list.filter((document) => document.id !== id)
    changes.push({ kind: 'removed', document: { id } })
  }
  for (const [index, document] of to.entries()) {
    if (list[index] === document) continue
    const kind = list.some(({ id }) => id === document.id) ? 'changed' : 'added'
    const rest = list.filter(({ id }) => id !== document.id)
    list = [...rest.slice(0, index), document, ...rest.slice(index)]
    changes.push({ kind, document, index })
  }
  return changes
}
