import type { Transport } from './transport.ts'

/** Messages for the project's own functions. For secret keys, and for functions. */
export interface TopicsClient {
  /**
   * Tells every function that subscribes to the topic, at least once. Resolves when the message is kept, which is
   * before they run.
   *
   * @example
   * await basalt.topics.publish('orders.paid', { order: 'o1', total: 90 })
   */
  publish(
    topic: string,
    data?: unknown,
    options?: { readonly signal?: AbortSignal },
  ): Promise<PublishedMessage>
}

export interface PublishedMessage {
  id: string
  /** How many functions hear of it. */
  subscribers: number
}

export function createTopicsClient(transport: Transport): TopicsClient {
  return {
    publish(topic, data, options) {
      const path = `/topics/${encodeURIComponent(topic)}/messages`
      return transport.json({ method: 'POST', path, body: { data }, ...options })
    },
  }
}
