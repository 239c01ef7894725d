import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'

type Message = { readonly type: string; readonly id?: string } & Readonly<Record<string, unknown>>

/** The server's end of a real socket, which says what the test wants. */
export class ServerSocket {
  readonly #socket: WebSocket
  readonly sent: Message[] = []

  constructor(socket: WebSocket) {
    this.#socket = socket
    this.say({ type: 'ready' })
    socket.on('message', (data: Buffer) => {
      const message: Message = JSON.parse(data.toString())
      this.sent.push(message)
      if (message.type === 'auth') this.say({ type: 'ready' })
      if (message.type === 'ping') this.say({ type: 'pong' })
    })
  }

  say(message: object): void {
    this.#socket.send(JSON.stringify(message))
  }

  close(code: number): void {
    this.#socket.close(code)
  }

  sentOf(type: string): Message[] {
    return this.sent.filter((message) => message.type === type)
  }

  /** Waits for so many messages of a type; answers the last one's id. */
  async idOf(type: string, count = 1): Promise<string> {
    await expect.poll(() => this.sentOf(type).length).toBe(count)
    return this.sentOf(type).at(-1)!.id!
  }
}

export interface LiveServer {
  readonly url: string
  readonly sockets: ServerSocket[]
  /** The socket of that number, when it is there. */
  socket(number: number): Promise<ServerSocket>
  /** Waits until no page has one any more. */
  close(): Promise<void>
}

/** Pages and JSON by `answer`, and sockets in the test's hands. */
export async function liveServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<LiveServer> {
  const sockets: ServerSocket[] = []
  const server = createServer(answer)
  const live = new WebSocketServer({ server })
  live.on('connection', (socket) => sockets.push(new ServerSocket(socket)))
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    sockets,
    async socket(number) {
      await expect.poll(() => sockets.length).toBeGreaterThan(number)
      return sockets[number]!
    },
    async close() {
      for (const client of live.clients) client.terminate()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
