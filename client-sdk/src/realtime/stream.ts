import type { BasaltError } from '../basalt-error.ts'
import type { ClientMessage, StreamMessage } from './protocol.ts'

/**
 * One thing that is followed over the socket: a live query, a channel. The socket opens it anew under another id
 * whenever that is needed, so that nothing said about an earlier time can be taken for the present.
 */
export interface Stream {
  /** The message that opens it, from where it was left. */
  open(id: string): ClientMessage
  receive(message: StreamMessage): void
  /** The connection is away, or the server asks for patience. It will be opened again. */
  pause(): void
  /** Where it was left means nothing any more. It will be opened again. */
  reset(): void
  /** What was seen belongs to a user who isn't there any more. It will be opened again. */
  forget(): void
  /** It can't be had. It is opened again when there is another user. */
  fail(error: BasaltError): void
  /** The server refused one message, and the stream goes on. */
  complain(error: BasaltError): void
  /** The client has closed everything. */
  end(): void
}
