import { join } from 'node:path'
import { runLoad } from '../load/run-load.ts'
import { processorSeconds } from '../processor-seconds.ts'
import { median, type Round, Rounds } from '../rounds.ts'
import { say } from '../say.ts'
import type { Findings, Options, Suite } from '../suite.ts'
import { atLeast, atMost, type Verdict } from '../verdict.ts'
import { measureBeside } from './measure-beside.ts'
import { measureDelivery, measureFanOut } from './measure-delivery.ts'
import { restingMemory } from './measure-memory.ts'
import type { Resumption } from './listeners.ts'
import { RoomWriter } from './room-writer.ts'
import { makeMessage, roomName, roomsEachSocket, shapeOf, type Shape, socketStep } from './rooms.ts'
import { type BasaltRooms, startBasaltRooms } from './start-basalt-rooms.ts'
import { type ListenerProcess, startListeners } from './start-listeners.ts'
import { peers, startPeerRooms } from './start-peer-rooms.ts'

const measureNames = ['memory', 'delivery', 'fan-out', 'reconnect', 'unfollowed'] as const

/** Live queries of thousands of sockets, beside other servers. */
export const realtime: Suite = { measures: measureNames, peers, run }

/** What the parts of the suite work with. */
interface Bench {
  readonly options: Options
  readonly shape: Shape
  readonly basalt: BasaltRooms
  readonly writer: RoomWriter
  readonly listeners: ListenerProcess['listeners']
  readonly rounds: Rounds
  readonly verdicts: Verdict[]
}

const subject = 'Basalt'
const openWithinMs = 120_000

async function run(options: Options, folder: string): Promise<Findings> {
  if (options.sockets % socketStep !== 0 || options.sockets < 2 * socketStep) {
    throw new Error(`--sockets is a multiple of ${socketStep}, from ${2 * socketStep} on.`)
  }
  const shape = shapeOf(options.sockets)
  say(`starting Basalt and filling ${shape.rooms} rooms`)
  const basalt = await startBasaltRooms(join(folder, 'data'), shape)
  const { listeners, stop } = startListeners()
  const rounds = new Rounds()
  const verdicts: Verdict[] = []
  const bench = { options, shape, basalt, writer: new RoomWriter(basalt), listeners, rounds, verdicts }
  try {
    const memory = await openAll(bench)
    const doIf = async (name: (typeof measureNames)[number], work: (bench: Bench) => Promise<void>) => {
      if (options.only.includes(name)) await work(bench)
    }
    await doIf('delivery', deliver)
    await doIf('fan-out', fanOut)
    await doIf('reconnect', reconnect)
    await doIf('unfollowed', writeUnfollowed)
    await listeners.cut()
    for (const name of peers.filter((peer) => options.peers.includes(peer))) {
      say(`starting ${name}`)
      const peer = await startPeerRooms(name, { folder, sockets: basalt.sockets })
      try {
        verdicts.push(...(await measureBeside(options, bench.writer, peer, rounds, memory)))
      } finally {
        await peer.stop()
      }
    }
    return { measures: rounds.measures(), verdicts }
  } finally {
    await stop()
    await basalt.stop()
  }
}

/**
 * Opens the sockets, then the live queries on them, and looks at what they take: resolves to the KB of a socket with its
 * live queries, undefined if that isn't measured.
 */
async function openAll({ options, shape, basalt, listeners, verdicts }: Bench): Promise<number | undefined> {
  const isMeasured = options.only.includes('memory')
  const restSeconds = options.smoke ? 0.5 : 15
  const memory = async (): Promise<Memory> => {
    if (!isMeasured) return { resident: 0, held: 0 }
    const resident = await restingMemory(basalt.pid, restSeconds)
    await basalt.collectGarbage()
    return { resident, held: await restingMemory(basalt.pid, restSeconds / 5) }
  }
  if (isMeasured) await warmUp(basalt)
  const before = await memory()
  say(`opening ${shape.sockets} sockets`)
  const opened = await listeners.open(basalt.server, shape, openWithinMs)
  if (opened < shape.sockets) throw new Error(`Only ${opened} sockets could be opened.`)
  const withSockets = await memory()
  say(`opening ${shape.sockets * roomsEachSocket} live queries`)
  await listeners.follow()
  const withQueries = await memory()
  // With a few, what the process does anyway would be divided by too little.
  if (!isMeasured || options.smoke) return undefined
  for (const kind of ['resident', 'held'] as const) {
    say(
      `${kind}: ${before[kind]} KB before, ${withSockets[kind]} with sockets, ${withQueries[kind]} with queries`,
    )
  }
  // A heap keeps pages that are half empty, so how the sum is shared between the two can't be seen.
  const perQuery = (withQueries.held - before.held) / (shape.sockets * roomsEachSocket)
  verdicts.push(
    atMost('memory of an idle socket', (withSockets.resident - before.resident) / shape.sockets, 40, 'KB'),
    atMost('memory of an idle live query, with its share of a socket', perQuery, 8, 'KB'),
  )
  return (withQueries.resident - before.resident) / shape.sockets
}

/** In KB: what the process has of the machine, and what is left of it once the garbage was collected. */
interface Memory {
  resident: number
  held: number
}

/** What is loaded and compiled by the first of many is not what each of them takes. */
async function warmUp(basalt: BasaltRooms): Promise<void> {
  const { listeners, stop } = startListeners()
  await listeners.open(basalt.server, shapeOf(100), openWithinMs)
  await listeners.follow()
  await stop()
}

async function deliver({ options, listeners, writer, shape, rounds, verdicts }: Bench): Promise<void> {
  for (let round = 1; round <= options.rounds; round++) {
    await rounds.take(deliveryName(shape), subject, () => measureDelivery(listeners, writer, shape, options))
  }
  const measure = rounds.measures().find(({ name }) => name === deliveryName(shape))
  if (measure === undefined) return
  verdicts.push(
    atMost('delivery from the acknowledgement, p50', measure.p50, 20, 'ms'),
    atMost('delivery from the acknowledgement, p99', measure.p99, 100, 'ms'),
    atMost('deliveries missing or too many', measure.failed, 0, ''),
  )
}

function deliveryName({ sockets, perSecond }: Shape): string {
  return `delivery, ${sockets} sockets, ${perSecond} writes/s`
}

async function fanOut({ options, listeners, writer, shape, rounds, verdicts }: Bench): Promise<void> {
  await listeners.followLobby()
  let latest = 0
  for (let round = 0; round < options.rounds * 2; round++) {
    await rounds.take(`one change to ${shape.sockets} sockets`, subject, async () => {
      const { max, ...taken } = await measureFanOut(listeners, writer)
      latest = Math.max(latest, max)
      return taken
    })
  }
  await listeners.leaveLobby()
  verdicts.push(atMost(`one change at the last of ${shape.sockets} sockets`, latest, 500, 'ms'))
}

/** Cuts all connections while writes go on, and lets all come back at once; then the same with a restart in between. */
async function reconnect(bench: Bench): Promise<void> {
  const { shape, basalt, writer, listeners, options, verdicts } = bench
  const { perSecond } = shape
  const seconds = options.smoke ? 1 : 4
  const pace = { perSecond, seconds, warmUpSeconds: 0 }

  say('cutting all connections')
  await listeners.cut()
  await writer.writeToAll(shape, pace)
  const goingOn = writer.writeToAll(shape, pace)
  const afterCut = await listeners.resume()
  await goingOn
  verdicts.push(...(await judgeLists(bench, 'a cut', afterCut)))

  say('starting Basalt again')
  await listeners.cut()
  await writer.writeToAll(shape, pace)
  await basalt.restart()
  const after = writer.writeToAll(shape, pace)
  const afterRestart = await listeners.resume()
  await after
  verdicts.push(...(await judgeLists(bench, 'a restart', afterRestart)))
}

async function judgeLists(
  { basalt, listeners, shape }: Bench,
  what: string,
  { milliseconds, resyncs, refusals }: Resumption,
): Promise<Verdict[]> {
  // The last write may still be on its way to those who follow it.
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const { lists, wrong } = await listeners.compare(await basalt.lists())
  if (wrong.length > 0) say(`WRONG after ${what}: ${wrong.slice(0, 5).join(', ')}`)
  say(`after ${what} ${resyncs} of ${lists} lists had to be sent anew, and ${refusals} sockets to come again`)
  return [
    atMost(`all ${shape.sockets} back after ${what}`, milliseconds / 1000, 15, 's'),
    atMost(`rooms of which somebody saw something else after ${what}`, wrong.length, 0, ''),
  ]
}

/**
 * Creates that nobody follows, in turn with all those sockets open and with none. What each costs the server's processor
 * tells more than the rate on a machine that others use too.
 */
async function writeUnfollowed({ options, basalt, listeners, rounds, verdicts }: Bench): Promise<void> {
  const rates: Record<string, number[]> = {}
  const costs: Record<string, number[]> = {}
  const load = async (name: string): Promise<Round> => {
    const before = await processorSeconds(basalt.pid)
    const round = await runLoad({
      port: basalt.port,
      connections: 32,
      warmUpSeconds: options.warmUpSeconds,
      seconds: options.seconds,
      requests: Array.from({ length: 5000 }, (_, at) =>
        basalt.writeUnfollowed(makeMessage(roomName(at % 100), at)),
      ),
    })
    const used = (await processorSeconds(basalt.pid)) - before
    const creates = round.rate * (options.seconds + options.warmUpSeconds)
    ;(rates[name] ??= []).push(round.rate)
    ;(costs[name] ??= []).push(used / creates)
    return round
  }
  const withSockets = 'creates elsewhere, sockets idle'
  const without = 'creates elsewhere, no sockets'
  for (let round = 1; round <= options.rounds; round++) {
    await rounds.take(withSockets, subject, () => load(withSockets))
    await listeners.cut()
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await rounds.take(without, subject, () => load(without))
    await listeners.resume()
  }
  const ratio = (figures: Record<string, number[]>): number =>
    median((figures[withSockets] ?? []).map((figure, at) => figure / (figures[without]?.[at] ?? Number.NaN)))
  verdicts.push(
    atLeast('creates that nobody follows, of those without sockets', ratio(rates), 0.97),
    atMost("the server's processor time for one, of that without sockets", ratio(costs), 1.03, 'times'),
  )
}
