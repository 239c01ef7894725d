import { randomUUID } from 'node:crypto'
import type { Documents } from '../../documents/documents.ts'
import type { Services } from '../../platform/services.ts'
import type { Project } from '../../projects/project.ts'
import type { JsonObject } from '../../query/json.ts'
import { type ChannelEvent, createChannelRelay, type Member, type Place } from './channel-relay.ts'
import { type ChannelRulesStore, createChannelRulesStore } from './channel-rules.ts'
import { MembershipWatch } from './membership-watch.ts'

/** Somebody on this node who is in a channel. The texts are what stands behind the `id` of a message. */
export interface Participant {
  /** The socket: what it says itself, it does not hear. */
  readonly owner: object
  broadcast(rest: string): void
  presence(rest: string): void
}

/** One participation in a channel, from joining to leaving. */
export interface Membership {
  /** Shows or changes what others see of it; null hides it. */
  setPresence(presence: JsonObject | null, uid: string | null): void
  /** Tells once more who is present, after something may have been missed. */
  tellState(): void
  leave(): void
}

/** The channels of all projects, as far as somebody on this node is in them. */
export interface Channels {
  readonly rules: ChannelRulesStore
  readonly watch: MembershipWatch
  /** The participant hears first who is present, and then everything that happens. */
  join(
    project: Project,
    channel: string,
    participant: Participant,
    who: { uid: string | null; presence: JsonObject | null },
  ): Promise<Membership>
  /** @param from the socket that says it, if one does */
  broadcast(
    project: Pick<Project, 'id'>,
    channel: string,
    message: { event: string; payload: unknown; uid: string | null },
    from?: object,
  ): void
  close(): Promise<void>
}

interface Room extends Place {
  readonly participants: Map<string, Participant>
  /** Everybody who is present, on whichever node. */
  readonly members: Map<string, Member>
  /** Those of them that are on this node. */
  readonly own: Set<string>
  readonly loaded: Promise<void>
}

// Two nodes that have just started may not know of each other at the moment at which somebody joins on each.
const lookAgainAfterMs = 3_000

export function createChannels(services: Services, documents: Documents): Channels {
  const { nodes, log } = services
  const rooms = new Map<string, Room>()
  const rules = createChannelRulesStore(services, documents)
  const relay = createChannelRelay(services, { heard, missed: () => void lookEverywhere() })

  nodes.onGone(async () => {
    for (const { member, ...place } of await relay.removeOrphans()) {
      happen(place, { kind: 'leave', members: [member] })
    }
  })
  nodes.onForgotten(async () => {
    for (const room of rooms.values()) for (const member of ownMembers(room)) relay.put(room, member)
    await lookEverywhere()
  })

  function heard(place: Place, event: ChannelEvent, from?: object): void {
    const room = rooms.get(keyOf(place))
    if (room === undefined) return
    if (event.kind !== 'broadcast') {
      for (const member of event.members) {
        if (event.kind === 'leave') room.members.delete(member.id)
        else room.members.set(member.id, member)
      }
    }
    const rest = restOf(place, event)
    for (const participant of room.participants.values()) {
      if (event.kind !== 'broadcast') participant.presence(rest)
      else if (participant.owner !== from) participant.broadcast(rest)
    }
  }

  /** Here and on the other nodes. */
  function happen(place: Place, event: ChannelEvent, from?: object): void {
    heard(place, event, from)
    relay.tell(place, event)
  }

  function roomOf(place: Place): Room {
    const known = rooms.get(keyOf(place))
    if (known !== undefined) return known
    const room: Room = {
      ...place,
      participants: new Map(),
      members: new Map(),
      own: new Set(),
      loaded: Promise.resolve().then(async () => {
        await relay.listen()
        await look(room)
      }),
    }
    rooms.set(keyOf(place), room)
    setTimeout(() => void lookAgain(room), lookAgainAfterMs).unref()
    return room
  }

  /** Compares who is known to be present with the table, and tells the difference. */
  async function look(room: Room): Promise<void> {
    const present = new Map((await relay.membersOf(room)).map((member) => [member.id, member]))
    const gone = [...room.members.values()].filter(({ id }) => !present.has(id) && !room.own.has(id))
    const come = [...present.values()].filter(({ id }) => !room.members.has(id) && !room.own.has(id))
    if (gone.length > 0) heard(room, { kind: 'leave', members: gone })
    if (come.length > 0) heard(room, { kind: 'join', members: come })
  }

  async function lookAgain(room: Room): Promise<void> {
    if (rooms.get(keyOf(room)) !== room || nodes.others.size === 0) return
    await look(room).catch((error: unknown) => log.warn({ err: error }, 'could not see who is in a channel'))
  }

  async function lookEverywhere(): Promise<void> {
    for (const room of rooms.values()) await lookAgain(room)
  }

  return {
    rules,
    watch: new MembershipWatch(rules),
    async join({ id: projectId }, channel, participant, { uid, presence }) {
      const place = { projectId, channel }
      const room = roomOf(place)
      const id = randomUUID()
      // It keeps the room, and hears nothing before the list of those who are present.
      room.participants.set(id, silent(participant.owner))
      try {
        await room.loaded
      } catch (error) {
        leaveRoom(room, id)
        throw error
      }
      room.participants.set(id, participant)
      participant.presence(stateOf(room, id))
      const membership = createMembership(room, id)
      membership.setPresence(presence, uid)
      return membership
    },
    broadcast: ({ id: projectId }, channel, message, from) =>
      happen({ projectId, channel }, { kind: 'broadcast', ...message }, from),
    close: () => relay.close(),
  }

  function createMembership(room: Room, id: string): Membership {
    const hide = (): void => {
      const member = room.members.get(id)
      if (!room.own.delete(id) || member === undefined) return
      relay.remove(id)
      happen(room, { kind: 'leave', members: [member] })
    }
    return {
      setPresence(presence, uid) {
        if (presence === null) return hide()
        const member = { id, uid, presence }
        const kind = room.own.has(id) ? 'update' : 'join'
        room.own.add(id)
        relay.put(room, member)
        happen(room, { kind, members: [member] })
      },
      tellState: () => room.participants.get(id)?.presence(stateOf(room, id)),
      leave() {
        hide()
        leaveRoom(room, id)
      },
    }
  }

  function leaveRoom(room: Room, id: string): void {
    room.participants.delete(id)
    if (room.participants.size === 0 && rooms.get(keyOf(room)) === room) rooms.delete(keyOf(room))
  }
}

function silent(owner: object): Participant {
  return { owner, broadcast: () => undefined, presence: () => undefined }
}

function keyOf({ projectId, channel }: Place): string {
  return `${projectId} ${channel}`
}

function ownMembers({ members, own }: Room): Member[] {
  return [...members.values()].filter(({ id }) => own.has(id))
}

function stateOf({ channel, members }: Room, self: string): string {
  const present = JSON.stringify([...members.values()])
  return `"channel":${JSON.stringify(channel)},"kind":"state","self":"${self}","members":${present}}`
}

function restOf({ channel }: Place, event: ChannelEvent): string {
  const name = JSON.stringify(channel)
  if (event.kind !== 'broadcast') {
    return `"channel":${name},"kind":"${event.kind}","members":${JSON.stringify(event.members)}}`
  }
  const { event: what, payload = null, uid } = event
  return `"channel":${name},"event":${JSON.stringify(what)},"payload":${JSON.stringify(payload)},"uid":${JSON.stringify(uid)}}`
}
