import WebSocket from 'ws'
import type { FollowedServer, Follower, Heard } from './follower.ts'

interface ServerMessage {
  op: 'connected' | 'subscribed' | 'create' | 'error'
  requestId?: number
  object?: { room: string; number: number }
  error?: string
}

/** A client of Parse Server's LiveQuery. */
export class ParseFollower implements Follower {
  readonly #server: FollowedServer
  readonly #heard: Heard
  readonly #answered = new Map<number, () => void>()
  #socket: WebSocket | undefined

  constructor(server: FollowedServer, heard: Heard) {
    this.#server = server
    this.#heard = heard
  }

  async open(): Promise<void> {
    const { url, key } = this.#server
    const socket = new WebSocket(url.replace('http', 'ws'), { perMessageDeflate: false })
    this.#socket = socket
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    socket.on('open', () => this.#send({ op: 'connect', applicationId: key }))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('The server closed a socket.')))
    socket.on('message', (data: Buffer) => {
      const message: ServerMessage = JSON.parse(data.toString())
      if (message.op === 'connected') resolve()
      else this.#receive(message)
    })
    await promise
  }

  async follow(rooms: readonly string[]): Promise<void> {
    await Promise.all(
      rooms.map(async (room) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        const requestId = this.#answered.size + 1
        this.#answered.set(requestId, resolve)
        this.#send({ op: 'subscribe', requestId, query: { className: 'Message', where: { room } } })
        await promise
      }),
    )
  }

  cut(): void {
    this.#socket?.terminate()
  }

  #send(message: object): void {
    this.#socket?.send(JSON.stringify(message))
  }

  #receive({ op, requestId, object, error }: ServerMessage): void {
    if (op === 'error') throw new Error(`Parse Server: ${error}`)
    if (op === 'subscribed' && requestId !== undefined) this.#answered.get(requestId)?.()
    if (op === 'create' && object !== undefined) this.#heard(object.room, object.number)
  }
}
