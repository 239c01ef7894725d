import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs } from '../load/monotonic.ts'
import { BasaltFollower } from './basalt-follower.ts'
import type { FollowedServer, Follower, Heard } from './follower.ts'
import { ParseFollower } from './parse-follower.ts'
import { PocketbaseFollower } from './pocketbase-follower.ts'
import { lobby, roomsOf, type Shape } from './rooms.ts'

/** A write that was acknowledged. */
export interface Write {
  readonly room: string
  readonly number: number
  /** Both on the clock of `monotonicMs`. */
  readonly sentAt: number
  readonly answeredAt: number
  /** Whether its delivery is part of the latencies: the warm-up's isn't. */
  readonly isTimed: boolean
}

interface Latencies {
  /** Milliseconds. */
  p50: number
  p99: number
  max: number
}

/** What came of some writes at those who follow their rooms. */
export interface Judgement {
  /** From a write's acknowledgement to a delivery; what comes before it counts as 0. */
  afterAnswer: Latencies
  /** From when the write was sent: what a server does before it acknowledges counts too. */
  afterSend: Latencies
  delivered: number
  missed: number
  /** Delivered more than once, or to somebody who doesn't follow. */
  surplus: number
  /** The share of its processor that the listening process used while it waited for them. */
  busy: number
}

/** How coming back went. */
export interface Resumption {
  milliseconds: number
  /** How many lists had to be sent anew. */
  resyncs: number
  /** How often a socket was told to come again later. */
  refusals: number
}

const atOnce = 200
// Nothing more comes: what isn't there by now is counted as missed.
const quietMs = 3_000
const patienceMs = 60_000

/** All clients of a server, in one process. */
export class Listeners {
  #shape: Shape = { sockets: 0, rooms: 0, perSecond: 0 }
  #followers: Follower[] = []
  readonly #followersOf = new Map<string, Set<number>>()
  #deliveries: { follower: number; room: string; number: number; at: number }[] = []
  #lastAt = 0
  #usage = process.cpuUsage()
  #recordingSince = 0

  /** Opens as many sockets as the server takes within some time; resolves to how many these are. */
  async open(server: FollowedServer, shape: Shape, withinMs: number): Promise<number> {
    this.#shape = shape
    const deadline = monotonicMs() + withinMs
    const opened: Follower[] = []
    await this.#each(Array.from({ length: shape.sockets }).keys(), async (number) => {
      if (monotonicMs() > deadline) return
      const follower = makeFollower(server, (room, message) => this.#hear(number, room, message))
      await within(follower.open(), deadline - monotonicMs())
      opened[number] = follower
    })
    this.#followers = opened.filter(Boolean)
    return this.#followers.length
  }

  /** Each follows its rooms. */
  async follow(): Promise<void> {
    await this.#each(this.#followers.entries(), async ([number, follower]) => {
      const rooms = roomsOf(number, this.#shape)
      await follower.follow(rooms)
      for (const room of rooms) this.#noteFollower(room, number)
    })
  }

  /** All follow the same. */
  async followLobby(): Promise<void> {
    await this.#each(this.#followers.entries(), async ([number, follower]) => {
      await follower.follow([lobby])
      this.#noteFollower(lobby, number)
    })
  }

  async leaveLobby(): Promise<void> {
    for (const follower of this.#basaltFollowers()) follower.unfollow(lobby)
    this.#followersOf.delete(lobby)
  }

  /** Forgets what was heard so far. */
  record(): void {
    this.#deliveries = []
    this.#usage = process.cpuUsage()
    this.#recordingSince = monotonicMs()
  }

  /** Waits until every write has arrived at all who follow its room, or nothing arrives any more. */
  async judge(writes: readonly Write[]): Promise<Judgement> {
    const expected = writes.reduce((sum, { room }) => sum + (this.#followersOf.get(room)?.size ?? 0), 0)
    const deadline = monotonicMs() + patienceMs
    this.#lastAt = monotonicMs()
    const { user, system } = process.cpuUsage(this.#usage)
    const busy = (user + system) / 1000 / (monotonicMs() - this.#recordingSince)
    while (this.#deliveries.length < expected && monotonicMs() < deadline) {
      if (monotonicMs() - this.#lastAt > quietMs) break
      await sleep(20)
    }
    // What is there twice comes right behind.
    await sleep(200)
    return { ...this.#compare(writes, expected), busy }
  }

  #compare(writes: readonly Write[], expected: number): Omit<Judgement, 'busy'> {
    const byNumber = new Map(writes.map((write) => [write.number, write]))
    const seen = new Set<string>()
    const afterAnswer: number[] = []
    const afterSend: number[] = []
    let surplus = 0
    for (const { follower, room, number, at } of this.#deliveries) {
      const write = byNumber.get(number)
      // Its writer has not heard that it was written.
      if (write === undefined) continue
      const key = `${follower} ${number}`
      const isMeant = write.room === room && this.#followersOf.get(room)?.has(follower) === true
      if (seen.has(key) || !isMeant) surplus++
      else {
        seen.add(key)
        if (!write.isTimed) continue
        afterAnswer.push(Math.max(0, at - write.answeredAt))
        afterSend.push(at - write.sentAt)
      }
    }
    return {
      afterAnswer: summarize(afterAnswer),
      afterSend: summarize(afterSend),
      delivered: afterSend.length,
      missed: expected - seen.size,
      surplus,
    }
  }

  cut(): void {
    for (const follower of this.#followers) follower.cut()
  }

  /** All come back with what they had. */
  async resume(): Promise<Resumption> {
    const before = monotonicMs()
    const followers = this.#basaltFollowers()
    for (const follower of followers) {
      follower.resyncs = 0
      follower.refusals = 0
    }
    await this.#each(followers.values(), (follower) => follower.resume())
    return {
      milliseconds: monotonicMs() - before,
      resyncs: followers.reduce((sum, { resyncs }) => sum + resyncs, 0),
      refusals: followers.reduce((sum, { refusals }) => sum + refusals, 0),
    }
  }

  /** How many lists there are, and which of the rooms somebody sees otherwise than they are. */
  compare(rooms: Readonly<Record<string, string>>): { lists: number; wrong: string[] } {
    let lists = 0
    const wrong = new Set<string>()
    for (const follower of this.#basaltFollowers()) {
      for (const { room, shown } of follower.lists()) {
        lists++
        if (rooms[room] !== shown) wrong.add(room)
      }
    }
    return { lists, wrong: [...wrong] }
  }

  #basaltFollowers(): BasaltFollower[] {
    return this.#followers.filter((follower) => follower instanceof BasaltFollower)
  }

  #noteFollower(room: string, follower: number): void {
    const followers = this.#followersOf.get(room)
    if (followers === undefined) this.#followersOf.set(room, new Set([follower]))
    else followers.add(follower)
  }

  #hear(follower: number, room: string, number: number): void {
    const at = monotonicMs()
    this.#lastAt = at
    this.#deliveries.push({ follower, room, number, at })
  }

  /** So many at a time: clients that back off with jitter don't come in the same instant. */
  async #each<Item>(items: Iterator<Item>, work: (item: Item) => Promise<void>): Promise<void> {
    const loop = async (): Promise<void> => {
      for (let next = items.next(); next.done !== true; next = items.next()) await work(next.value)
    }
    await Promise.all(Array.from({ length: atOnce }, loop))
  }
}

function makeFollower(server: FollowedServer, heard: Heard): Follower {
  switch (server.protocol) {
    case 'basalt':
      return new BasaltFollower(server, heard)
    case 'parse':
      return new ParseFollower(server, heard)
    case 'pocketbase':
      return new PocketbaseFollower(server, heard)
  }
}

function summarize(latencies: readonly number[]): Latencies {
  const sorted = Float64Array.from(latencies).sort()
  const share = (part: number): number => sorted[Math.ceil(sorted.length * part) - 1] ?? 0
  return { p50: share(0.5), p99: share(0.99), max: share(1) }
}

async function within(work: Promise<void>, milliseconds: number): Promise<void> {
  const late = new AbortController()
  const timeout = sleep(milliseconds, undefined, { signal: late.signal }).then(() => {
    throw new Error('A socket was not opened in time.')
  })
  try {
    await Promise.race([work, timeout])
  } finally {
    late.abort()
    timeout.catch(() => undefined)
  }
}
