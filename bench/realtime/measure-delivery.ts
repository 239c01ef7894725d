import type { Round } from '../rounds.ts'
import type { Options } from '../suite.ts'
import type { Judgement } from './listeners.ts'
import type { RoomWriter, Written } from './room-writer.ts'
import { lobby, type Shape } from './rooms.ts'
import type { ListenerProcess } from './start-listeners.ts'

type Listeners = ListenerProcess['listeners']

/** Writes to rooms at random, and waits until all who follow them have heard of it. */
export async function measureDelivery(
  listeners: Listeners,
  writer: RoomWriter,
  shape: Shape,
  { seconds, warmUpSeconds }: Options,
): Promise<Round> {
  await listeners.record()
  const { perSecond } = shape
  const written = await writer.writeToAll(shape, { perSecond, seconds, warmUpSeconds })
  const judgement = await listeners.judge(written.writes)
  return roundOf(written, judgement, judgement.delivered / seconds)
}

/** One write of which everybody hears. The `max` is when the last one did. */
export async function measureFanOut(
  listeners: Listeners,
  writer: RoomWriter,
): Promise<Round & { max: number }> {
  await listeners.record()
  const written = await writer.writeOnce(lobby)
  const judgement = await listeners.judge(written.writes)
  const rate = (judgement.delivered / Math.max(1, judgement.max)) * 1000
  return { ...roundOf(written, judgement, rate), max: judgement.max }
}

function roundOf({ failed, failure }: Written, judgement: Judgement, rate: number): Round {
  const { p50, p99, missed, surplus, busy } = judgement
  const wrong = missed + surplus > 0 ? `${missed} deliveries are missing, and ${surplus} too many` : null
  return {
    rate,
    p50,
    p99,
    failed: failed + missed + surplus,
    failure: failure ?? wrong,
    generatorBusy: busy,
  }
}
