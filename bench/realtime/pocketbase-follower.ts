import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import type { FollowedServer, Follower, Heard } from './follower.ts'

/** A client of PocketBase's server-sent events. */
export class PocketbaseFollower implements Follower {
  readonly #url: string
  readonly #heard: Heard
  #request: ClientRequest | undefined
  #clientId = ''
  #buffered = ''

  constructor({ url }: FollowedServer, heard: Heard) {
    this.#url = `${url}/api/realtime`
    this.#heard = heard
  }

  async open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    // No agent: none of these ends while anybody waits.
    this.#request = get(this.#url, { agent: false }, (response: IncomingMessage) => {
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        this.#read(text)
        if (this.#clientId !== '') resolve()
      })
      response.on('error', reject)
      response.on('end', () => reject(new Error('The server closed a stream.')))
    })
    this.#request.on('error', reject)
    await promise
  }

  /** What a subscription asks for goes to the collection's list rule, which looks at the room. */
  async follow(rooms: readonly string[]): Promise<void> {
    const subscriptions = rooms.map(
      (room) => `messages/*?options=${encodeURIComponent(JSON.stringify({ query: { room } }))}`,
    )
    const body = { clientId: this.#clientId, subscriptions }
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`PocketBase: ${response.status} ${await response.text()}`)
  }

  cut(): void {
    this.#request?.destroy()
  }

  /** Blocks of lines, each ended by an empty one. */
  #read(text: string): void {
    const blocks = (this.#buffered + text).split('\n\n')
    this.#buffered = blocks.pop() ?? ''
    for (const block of blocks) {
      const data = JSON.parse(/^data:(.*)$/m.exec(block)?.[1] ?? '{}')
      if ('clientId' in data) this.#clientId = data.clientId
      else if (data.action === 'create') this.#heard(data.record.room, data.record.number)
    }
  }
}
