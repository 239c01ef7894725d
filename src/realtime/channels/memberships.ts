import type { Caller } from '../../documents/caller.ts'
import { invalidValue } from '../../platform/errors.ts'
import { toApiError } from '../../platform/problems.ts'
import type { Actor, Scope } from '../../projects/actor.ts'
import { isStorable } from '../../query/field-path.ts'
import type { Json, JsonObject } from '../../query/json.ts'
import type { BroadcastMessage, JoinMessage } from '../client-message.ts'
import type { ProjectHub } from '../live/project-hub.ts'
import { interestOf } from '../live/view-plan.ts'
import { channelSegments } from './channel-name.ts'
import type { JoinGrounds } from './channel-rules.ts'
import type { Channels, Membership, Participant } from './channels.ts'

/** Whose memberships these are, as of now. */
export interface ChannelReader {
  readonly projectId: string
  send(text: string): void
  sendError(id: string, reason: unknown): void
  /** Throws if nobody is known yet, or if this actor may not do that at all. */
  caller(scope: Scope): Caller
  hub(): Promise<ProjectHub>
}

interface Joined {
  readonly segments: readonly string[]
  readonly membership: Membership
  grounds: JoinGrounds
  /** When the rule was asked, in milliseconds since 1970. */
  askedAt: number
  uid: string | null
  /** What others see; null if they see nothing. */
  presence: JsonObject | null
  stopWatching: () => void
}

const maxPresenceBytes = 4_096
const timedEveryMs = 5_000

/** The channels that one socket is in. */
export class ChannelMemberships {
  readonly #channels: Channels
  readonly #reader: ChannelReader
  readonly #joined = new Map<string, Joined>()
  #isClosed = false

  constructor(channels: Channels, reader: ChannelReader) {
    this.#channels = channels
    this.#reader = reader
  }

  get projectId(): string {
    return this.#reader.projectId
  }

  get size(): number {
    return this.#joined.size
  }

  has(id: string): boolean {
    return this.#joined.has(id)
  }

  /** Throws what is against it. */
  async join({ id, channel, presence }: JoinMessage): Promise<void> {
    const segments = readChannel(channel)
    const shown = presence === undefined ? null : checkPresence(presence)
    const caller = this.#reader.caller('channels:read')
    const grounds = await this.#ask(caller, segments, shown !== null)
    const stopWatching = await this.#watch(grounds)
    const uid = uidOf(caller.actor)
    const joining = this.#channels.join(caller.project, channel, this.#participant(id), {
      uid,
      presence: shown,
    })
    const membership = await joining.catch((error: unknown) => {
      stopWatching()
      throw error
    })
    const askedAt = Date.now()
    const joined = { segments, membership, grounds, askedAt, uid, presence: shown, stopWatching }
    this.#joined.set(id, joined)
    this.#channels.watch.add(this, grounds)
    if (this.#isClosed) this.leave(id)
    else if (this.#reader.caller('channels:read').actor !== caller.actor) await this.#askAgain(id, joined)
  }

  #participant(id: string): Participant {
    const head = `,"id":${JSON.stringify(id)},`
    return {
      owner: this,
      broadcast: (rest) => this.#reader.send(`{"type":"broadcast"${head}${rest}`),
      presence: (rest) => this.#reader.send(`{"type":"presence"${head}${rest}`),
    }
  }

  /** Throws what is against it; then the membership is over. */
  async changePresence(id: string, presence: unknown): Promise<void> {
    const joined = this.#joined.get(id)
    if (joined === undefined) throw invalidValue('id', 'is no channel that you have joined', 'unknown')
    try {
      const shown = presence === null ? null : checkPresence(presence)
      if (shown !== null) {
        await this.#channels.rules.require(this.#reader.caller('channels:read'), joined.segments, 'presence')
      }
      joined.presence = shown
      joined.membership.setPresence(shown, joined.uid)
    } catch (error) {
      this.leave(id)
      throw error
    }
  }

  async broadcast({ channel, event, payload }: BroadcastMessage): Promise<void> {
    const caller = this.#reader.caller('channels:write')
    await say(this.#channels, caller, { channel, event, payload }, this)
  }

  leave(id: string): void {
    const joined = this.#joined.get(id)
    if (joined === undefined) return
    this.#joined.delete(id)
    if (this.#joined.size === 0) this.#channels.watch.delete(this)
    joined.stopWatching()
    joined.membership.leave()
  }

  /** For good: the socket is gone. */
  close(): void {
    this.#isClosed = true
    for (const id of this.#joined.keys()) this.leave(id)
  }

  /** After the reader has missed something. */
  tellStates(): void {
    for (const { membership } of this.#joined.values()) membership.tellState()
  }

  /** Asks the rules again: who may not join any more is out, and who may not be seen is hidden. */
  async reconsider(): Promise<void> {
    for (const [id, joined] of this.#joined) await this.#askAgain(id, joined)
  }

  /** The same where the clock may decide otherwise now. */
  async followClock(now: number): Promise<void> {
    for (const [id, joined] of this.#joined) {
      if (joined.grounds.isTimed && now - joined.askedAt >= timedEveryMs) await this.#askAgain(id, joined)
    }
  }

  async #ask(caller: Caller, segments: readonly string[], isPresent: boolean): Promise<JoinGrounds> {
    const { rules } = this.#channels
    // What changes from here on asks again.
    const grounds = await rules.grounds(caller, segments)
    await rules.require(caller, segments, 'join')
    if (isPresent) await rules.require(caller, segments, 'presence')
    return grounds
  }

  async #askAgain(id: string, joined: Joined): Promise<void> {
    try {
      const caller = this.#reader.caller('channels:read')
      joined.askedAt = Date.now()
      const grounds = await this.#ask(caller, joined.segments, joined.presence !== null)
      const stopWatching = await this.#watch(grounds)
      joined.stopWatching()
      Object.assign(joined, { grounds, stopWatching })
      if (this.#joined.get(id) !== joined) return stopWatching()
      this.#channels.watch.add(this, grounds)
      this.#showAs(joined, uidOf(caller.actor))
    } catch (error) {
      if (toApiError(error).status >= 500) {
        this.#channels.watch.askSoon(this)
        return
      }
      if (this.#joined.get(id) !== joined) return
      this.leave(id)
      this.#reader.sendError(id, error)
    }
  }

  /** Another user took the socket over: others must not take the one for the other. */
  #showAs(joined: Joined, uid: string | null): void {
    if (joined.uid === uid) return
    joined.uid = uid
    if (joined.presence === null) return
    joined.membership.setPresence(null, uid)
    joined.membership.setPresence(joined.presence, uid)
  }

  async #watch({ dependencies }: JoinGrounds): Promise<() => void> {
    if (dependencies.length === 0) return () => undefined
    const hub = await this.#reader.hub()
    const interests = dependencies.map(({ collection, filter }) => interestOf(collection, filter))
    return hub.watch(interests, () => this.#channels.watch.askSoon(this))
  }
}

/** Says something in a channel, if its rules let the caller. Throws what is against it. */
export async function say(
  channels: Channels,
  caller: Caller,
  { channel, event, payload }: { channel: string; event: string; payload?: unknown },
  from?: object,
): Promise<void> {
  const segments = readChannel(channel)
  if (!isStorable(event))
    throw invalidValue('event', 'holds characters that are none of a name', 'invalid_text')
  const size = payload === undefined ? 0 : Buffer.byteLength(JSON.stringify(payload))
  await channels.rules.require(caller, segments, 'broadcast', { event, size })
  channels.broadcast(caller.project, channel, { event, payload, uid: uidOf(caller.actor) }, from)
}

function readChannel(channel: string): readonly string[] {
  const segments = channelSegments(channel)
  if (segments !== undefined) return segments
  throw invalidValue(
    'channel',
    'is up to eight parts of letters, digits and _ . @ - between colons',
    'invalid_name',
  )
}

function checkPresence(presence: unknown): JsonObject {
  if (Buffer.byteLength(JSON.stringify(presence)) > maxPresenceBytes) {
    throw invalidValue('presence', `takes more than ${maxPresenceBytes} bytes`, 'too_large')
  }
  // It was read from JSON, and its type is seen to.
  const object = presence as JsonObject
  if (!isStorableJson(object)) {
    throw invalidValue('presence', 'holds characters that can not be stored', 'invalid_text')
  }
  return object
}

function isStorableJson(value: Json): boolean {
  if (typeof value === 'string') return isStorable(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(
    ([name, inner]: [string, Json]) => isStorable(name) && isStorableJson(inner),
  )
}

function uidOf(actor: Actor): string | null {
  return actor.kind === 'user' ? actor.uid : null
}
