import { runPaced } from '../load/run-paced.ts'
import type { Write } from './listeners.ts'
import { makeMessage, roomName, type Shape } from './rooms.ts'
import type { RoomsSubject } from './rooms-subject.ts'

interface Pace {
  perSecond: number
  seconds: number
  /** Before those seconds, at the same pace. */
  warmUpSeconds: number
}

/** What was written, and what went wrong with it. */
export interface Written {
  writes: Write[]
  /** Not answered by 2xx. */
  failed: number
  failure: string | null
}

/** Says something in the rooms of a server, with numbers that rise. */
export class RoomWriter {
  readonly subject: RoomsSubject
  #last = 0

  constructor(subject: RoomsSubject) {
    this.subject = subject
  }

  /** In rooms at random. */
  async writeToAll({ rooms }: Shape, { perSecond, seconds, warmUpSeconds }: Pace): Promise<Written> {
    const untimed = Math.round(perSecond * warmUpSeconds)
    const count = untimed + Math.round(perSecond * seconds)
    const names = Array.from({ length: count }, () => roomName(Math.floor(Math.random() * rooms)))
    return this.#write(names, perSecond, untimed)
  }

  async writeOnce(room: string): Promise<Written> {
    return this.#write([room], 1000, 0)
  }

  async #write(rooms: readonly string[], perSecond: number, untimed: number): Promise<Written> {
    const first = this.#last + 1
    this.#last += rooms.length
    const { sentAt, answeredAt, failure } = await runPaced({
      port: this.subject.port,
      perSecond,
      requests: rooms.map((room, at) => this.subject.write(makeMessage(room, first + at))),
    })
    const writes = rooms.flatMap((room, at): Write[] => {
      const sent = sentAt[at] ?? null
      const answered = answeredAt[at] ?? null
      return sent === null || answered === null
        ? []
        : [{ room, number: first + at, sentAt: sent, answeredAt: answered, isTimed: at >= untimed }]
    })
    return { writes, failed: rooms.length - writes.length, failure }
  }
}
