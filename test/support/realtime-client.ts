import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import type { TestProject, TestServer } from './server.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into messages of any shape
export type Message = any

/** A bare client of the realtime protocol: sends what it is told, keeps what comes. */
export interface RealtimeClient {
  socket: WebSocket
  messages: Message[]
  send(message: object | string): void
  /** The next message that fits, taken out of those that came. */
  next(type: string, id?: string): Promise<Message>
  /** Resolves with the code when the server has closed the socket. */
  closed: Promise<number>
  close(): Promise<void>
}

export interface ConnectOptions {
  /** Sent as a header. */
  as?: string | undefined
  /** Sent in the address. */
  key?: string | undefined
  headers?: Record<string, string>
}

/** Opens a socket; with the publishable key unless told otherwise. */
export async function connect(
  server: Pick<TestServer, 'url'>,
  project: Pick<TestProject, 'ref' | 'publishable'>,
  { as, key = as === undefined ? project.publishable : undefined, headers = {} }: ConnectOptions = {},
): Promise<RealtimeClient> {
  const query = key === undefined || key === '' ? '' : `?key=${key}`
  const address = `${server.url.replace('http', 'ws')}/v1/projects/${project.ref}/realtime${query}`
  const socket = new WebSocket(address, {
    headers: { ...(as !== undefined && { authorization: `Bearer ${as}` }), ...headers },
  })
  const messages: Message[] = []
  socket.on('message', (data) => messages.push(JSON.parse((data as Buffer).toString())))
  const closed = new Promise<number>((resolve) => socket.on('close', (code) => resolve(code)))
  socket.on('error', () => undefined)
  const refused = new Promise<never>((_, reject) => {
    socket.on('unexpected-response', (_request, response) => {
      reject(Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode }))
    })
  })
  await Promise.race([once(socket, 'open'), refused])
  return {
    socket,
    messages,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next(type, id) {
      for (let waited = 0; waited < 10_000; waited += 5) {
        const at = messages.findIndex(
          (message) => message.type === type && (id === undefined || message.id === id),
        )
        if (at !== -1) return messages.splice(at, 1)[0]
        await sleep(5)
      }
      throw new Error(`no ${type} came for ${id}; waiting are ${JSON.stringify(messages).slice(0, 2000)}`)
    },
    async close() {
      socket.terminate()
      await closed
    },
  }
}
