/** Called with each message that arrives live, as far as the protocol tells: its room, and its number there. */
export type Heard = (room: string, number: number) => void

/** Where a server is, and what else its protocol wants to know of it. */
export interface FollowedServer {
  readonly protocol: 'basalt' | 'parse' | 'pocketbase'
  /** With `http:`. */
  readonly url: string
  /** The key that the socket is opened with; '' where there is none. */
  readonly key: string
}

/** A client's connection, as one of the protocols has it. Whatever fails rejects. */
export interface Follower {
  open(): Promise<void>
  /** Resolves when the server has said that it follows. */
  follow(rooms: readonly string[]): Promise<void>
  cut(): void
}

/** A list that somebody follows, and what it shows. */
export interface Followed {
  readonly room: string
  /** Ids and versions, in order. */
  readonly shown: string
}
