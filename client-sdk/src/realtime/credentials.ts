import type { BasaltError } from '../basalt-error.ts'

/** Who a client's socket speaks for. */
export interface Credentials {
  /** The project's endpoint, with the publishable key if there is one. Never a secret. */
  readonly url: string
  /** Whether the URL is enough to come in, as nobody in particular. */
  readonly admitsAnonymous: boolean
  /** As for every request: null for nobody, and another one for a token that was refused. */
  token(refused?: string): string | null | Promise<string | null>
  /** Calls at each change of who is signed in. `isOther`: somebody was, and they aren't any more. */
  onUserChange(callback: (isOther: boolean) => void): () => void
  /** Asks over HTTP why a handshake failed, which a WebSocket never tells. Null for what may pass. */
  findRefusal(): Promise<BasaltError | null>
}
