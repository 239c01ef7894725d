/** The part of a WebSocket that all platforms have, React Native included, whatever they call their events. */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null
  /** With `data`. */
  onmessage: ((event: never) => void) | null
  /** With `code`. */
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(text: string): void
  close(code?: number): void
}

/** The platform's `WebSocket`, or one like it, such as that of the package `ws`. */
export type WebSocketConstructor = new (url: string) => WebSocketLike

export function platformWebSocket(): WebSocketConstructor {
  const { WebSocket } = globalThis as { WebSocket?: WebSocketConstructor }
  if (WebSocket === undefined) {
    throw new TypeError('There is no WebSocket here (Node has one since version 22): give createClient one')
  }
  return WebSocket
}
