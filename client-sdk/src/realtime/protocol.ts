import type { Issue } from '../basalt-error.ts'

/** What the client says on the socket; docs/realtime.md has the meaning of each message. */
export type ClientMessage =
  | { readonly type: 'auth'; readonly token: string | null }
  | ({ readonly type: 'subscribe'; readonly id: string; readonly cursor?: string } & LiveRequest)
  | { readonly type: 'unsubscribe'; readonly id: string }
  | { readonly type: 'join'; readonly id: string; readonly channel: string; readonly presence?: unknown }
  | { readonly type: 'presence'; readonly id: string; readonly presence: unknown }
  | BroadcastRequest
  | { readonly type: 'ping' }

interface BroadcastRequest {
  readonly type: 'broadcast'
  /** Names the message in an error. */
  readonly id: string
  readonly channel: string
  readonly event: string
  readonly payload: unknown
}

/** What a live query asks for. Two that are equal as JSON are one subscription. */
export interface LiveRequest {
  readonly collection: string
  /** One document, instead of a query. */
  readonly document?: string
  readonly where?: object
  readonly sort?: readonly string[]
  readonly limit?: number
  readonly fields?: readonly string[]
}

/** A document as the socket carries it. */
export interface AnyDocument {
  readonly id: string
}

/** One step of a list: `index` is where the document stands right after it. */
export type WireChange =
  | { readonly kind: 'added' | 'changed'; readonly document: AnyDocument; readonly index?: number }
  | { readonly kind: 'removed'; readonly document: AnyDocument }

/** Somebody in a channel who shows themselves. */
export interface Member<Presence = unknown> {
  /** Of the membership: somebody with two tabs is there twice. */
  readonly id: string
  /** Null for the anonymous and for servers. */
  readonly uid: string | null
  readonly presence: Presence
}

/** What belongs to one subscription or membership. */
export type StreamMessage =
  | { readonly type: 'snapshot'; readonly documents: readonly AnyDocument[]; readonly cursor: string }
  | { readonly type: 'change'; readonly changes: readonly WireChange[]; readonly cursor: string }
  | {
      readonly type: 'presence'
      readonly kind: 'state' | 'join' | 'update' | 'leave'
      readonly members: readonly Member[]
    }
  | {
      readonly type: 'broadcast'
      readonly event: string
      readonly payload: unknown
      readonly uid: string | null
    }

/** What the server says. */
export type ServerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'pong' }
  | ({ readonly id: string } & StreamMessage)
  | { readonly type: 'resync'; readonly id: string }
  | {
      readonly type: 'error'
      readonly id?: string
      readonly code: string
      readonly detail: string
      readonly errors?: Issue[]
    }
