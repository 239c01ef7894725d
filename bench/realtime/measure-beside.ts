import type { Rounds } from '../rounds.ts'
import { say } from '../say.ts'
import type { Options } from '../suite.ts'
import { atMost, type Verdict } from '../verdict.ts'
import { measureDelivery } from './measure-delivery.ts'
import { restingMemory } from './measure-memory.ts'
import { RoomWriter } from './room-writer.ts'
import { shapeOf, type Shape, socketStep } from './rooms.ts'
import type { RoomsSubject } from './rooms-subject.ts'
import { startListeners } from './start-listeners.ts'

interface Reached {
  p50: number
  p99: number
}

const openWithinMs = 60_000
const restSeconds = 10
// Later than that it is no live query any more.
const bearableMs = 1_000
const shares = [1, 0.1, 0.02]

/**
 * What a connection takes at a peer that has just started, beside what it takes at Basalt, in KB, if that is known. Then
 * deliveries at both, with as many sockets, rooms and writes as the peer bears; counted from when a write is sent, since
 * the peers let the writer wait until they have told everybody.
 *
 * @param basalt who has written so far: lists show the newest, so numbers have to go on from there
 */
export async function measureBeside(
  options: Options,
  basalt: RoomWriter,
  peer: RoomsSubject,
  rounds: Rounds,
  ownMemory: number | undefined,
): Promise<Verdict[]> {
  const memory = ownMemory === undefined ? [] : await compareMemory(options, peer, ownMemory)
  return [...memory, ...(await compareDelivery(options, basalt, peer, rounds))]
}

async function compareMemory(options: Options, peer: RoomsSubject, own: number): Promise<Verdict[]> {
  const { listeners, stop } = startListeners()
  try {
    const before = await restingMemory(peer.pid, restSeconds)
    const opened = await listeners.open(peer.server, shapeOf(options.sockets), openWithinMs)
    if (opened === 0) return []
    await listeners.follow()
    const memory = ((await restingMemory(peer.pid, restSeconds)) - before) / opened
    return [
      atMost(
        `memory of ${opened} sockets following two rooms, each: ${peer.name}'s`,
        own,
        rounded(memory),
        'KB',
      ),
    ]
  } finally {
    await stop()
  }
}

async function compareDelivery(
  options: Options,
  basalt: RoomWriter,
  peer: RoomsSubject,
  rounds: Rounds,
): Promise<Verdict[]> {
  const peerWriter = new RoomWriter(peer)
  for (const share of shares) {
    const sockets = Math.max(2 * socketStep, Math.floor((options.sockets * share) / socketStep) * socketStep)
    const shape = shapeOf(sockets)
    const reached = await measureShape(options, peerWriter, shape, rounds)
    if (reached === undefined) continue
    const own = await measureShape(options, basalt, shape, rounds)
    if (own === undefined) throw new Error(`Basalt does not bear ${sockets} sockets.`)
    return [
      atMost(`from sending to ${sockets} sockets, p50: ${peer.name}'s`, own.p50, reached.p50, 'ms'),
      atMost(`from sending to ${sockets} sockets, p99: ${peer.name}'s`, own.p99, reached.p99, 'ms'),
    ]
  }
  say(`${peer.name} bears none of these loads`)
  return []
}

/** Undefined if the server does not bear it. */
async function measureShape(
  options: Options,
  writer: RoomWriter,
  shape: Shape,
  rounds: Rounds,
): Promise<Reached | undefined> {
  const { subject } = writer
  const { sockets, perSecond } = shape
  const { listeners, stop } = startListeners()
  try {
    const opened = await listeners.open(subject.server, shape, openWithinMs)
    if (opened < sockets) return doesNotBear(subject, shape, `opens ${opened}`)
    await listeners.follow()
    const round = await measureDelivery(listeners, writer, shape, options, 'afterSend')
    if (round.failed > 0 || round.p99 > bearableMs) {
      const why = round.failure ?? `p99 is ${Math.round(round.p99)} ms`
      return doesNotBear(subject, shape, why)
    }
    const name = `from sending, ${sockets} sockets, ${perSecond} writes/s`
    await rounds.take(name, subject.name, () => Promise.resolve(round))
    return { p50: rounded(round.p50), p99: rounded(round.p99) }
  } finally {
    await stop()
  }
}

/** As a target it is printed as it is. */
function rounded(figure: number): number {
  return Number(figure.toPrecision(3))
}

function doesNotBear({ name }: RoomsSubject, { sockets, perSecond }: Shape, why: string): undefined {
  say(`${name} does not bear ${sockets} sockets and ${perSecond} writes a second: ${why}`)
}
