import type { FollowedServer } from './follower.ts'
import type { Message } from './rooms.ts'

/** A server under test, with a collection of messages that anybody may write and follow. */
export interface RoomsSubject {
  readonly name: string
  readonly pid: number
  readonly port: number
  readonly server: FollowedServer
  /** As a whole HTTP/1.1 request. */
  write(message: Message): string
  stop(): Promise<void>
}
