import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import type { Followed, FollowedServer, Follower, Heard } from './follower.ts'
import { shownMessages } from './rooms.ts'

interface Shown {
  id: string
  version: number
  room: string
  number: number
}

type ServerMessage = { id: string; cursor: string } & (
  | { type: 'ready' | 'pong' | 'resync' }
  | { type: 'error'; code: string; detail: string }
  | { type: 'snapshot'; documents: Shown[] }
  | {
      type: 'change'
      changes: (
        | { kind: 'removed'; document: { id: string } }
        | { kind: 'added' | 'changed'; index: number; document: Shown }
      )[]
    }
)

interface LiveList {
  cursor: string | undefined
  documents: Shown[]
  answered: (() => void) | undefined
}

const retryWithinMs = 2_000

/** A client of Basalt's live queries that keeps their lists and cursors, as an app does. */
export class BasaltFollower implements Follower {
  readonly #url: string
  readonly #heard: Heard
  readonly #lists = new Map<string, LiveList>()
  #socket: WebSocket | undefined
  /** How often the server could not tell what was missed. */
  resyncs = 0
  /** How often it had more to do than it could. */
  refusals = 0

  constructor({ url, key }: FollowedServer, heard: Heard) {
    this.#url = `${url.replace('http', 'ws')}/realtime?key=${key}`
    this.#heard = heard
  }

  async open(): Promise<void> {
    const socket = new WebSocket(this.#url, { perMessageDeflate: false, skipUTF8Validation: true })
    this.#socket = socket
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
    socket.on('message', (data: Buffer) => {
      const message: ServerMessage = JSON.parse(data.toString())
      if (message.type === 'ready') resolve()
      else this.#receive(message)
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('The server closed a socket.')))
    await ready
  }

  async follow(rooms: readonly string[]): Promise<void> {
    for (const room of rooms) this.#lists.set(room, { cursor: undefined, documents: [], answered: undefined })
    await Promise.all(rooms.map((room) => this.#subscribe(room)))
  }

  /** Opens a new socket, and goes on where the last one was cut. Comes again if the server asks for it, as the SDK does. */
  async resume(): Promise<void> {
    while (!(await this.#isLetIn())) await sleep(retryWithinMs * Math.random())
    await Promise.all([...this.#lists.keys()].map((room) => this.#subscribe(room)))
  }

  unfollow(room: string): void {
    if (this.#lists.delete(room)) this.#send({ type: 'unsubscribe', id: room })
  }

  cut(): void {
    this.#socket?.terminate()
  }

  /** What is shown at this moment, as text that can be compared. */
  *lists(): Generator<Followed> {
    for (const [room, { documents }] of this.#lists)
      yield { room, shown: documents.map(({ id, version }) => `${id} ${version}`).join(',') }
  }

  async #isLetIn(): Promise<boolean> {
    try {
      await this.open()
      return true
    } catch (error) {
      if (!String(error).includes('503')) throw error
      this.refusals++
      return false
    }
  }

  async #subscribe(room: string): Promise<void> {
    const list = this.#lists.get(room)
    if (list === undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    list.answered = resolve
    this.#ask(room, list.cursor)
    await promise
  }

  #ask(room: string, cursor: string | undefined): void {
    const query = { collection: 'messages', where: { room }, sort: '-number', limit: shownMessages }
    this.#send({ type: 'subscribe', id: room, ...query, cursor })
  }

  #send(message: object): void {
    this.#socket?.send(JSON.stringify(message))
  }

  #receive(message: ServerMessage): void {
    if (message.type === 'error') throw new Error(`${message.code}: ${message.detail}`)
    const list = this.#lists.get(message.id)
    if (list === undefined) return
    if (message.type === 'resync') {
      this.resyncs++
      this.#ask(message.id, undefined)
      return
    }
    if (message.type === 'snapshot') list.documents = message.documents
    else if (message.type === 'change') for (const change of message.changes) this.#step(list, change)
    list.cursor = message.cursor
    list.answered?.()
    list.answered = undefined
  }

  #step(
    { documents }: LiveList,
    change: Extract<ServerMessage, { type: 'change' }>['changes'][number],
  ): void {
    const at = documents.findIndex(({ id }) => id === change.document.id)
    if (at !== -1) documents.splice(at, 1)
    if (change.kind === 'removed') return
    documents.splice(change.index, 0, change.document)
    if (change.kind === 'added') this.#heard(change.document.room, change.document.number)
  }
}
