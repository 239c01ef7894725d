import type { Round } from '../rounds.ts'
import type { Options } from '../suite.ts'
import type { Judgement } from './listeners.ts'
import type { RoomWriter, Written } from './room-writer.ts'
import { lobby, type Shape } from './rooms.ts'
import type { ListenerProcess } from './start-listeners.ts'

type Listeners = ListenerProcess['listeners']

/** From where on a delivery's time is counted. */
type From = 'afterAnswer' | 'afterSend'

/** Writes to rooms at random, and waits until all who follow them have heard of it. */
export async function measureDelivery(
  listeners: Listeners,
  writer: RoomWriter,
  shape: Shape,
  { seconds, warmUpSeconds }: Options,
  from: From = 'afterAnswer',
): Promise<Round> {
  await listeners.record()
  const { perSecond } = shape
  const written = await writer.writeToAll(shape, { perSecond, seconds, warmUpSeconds })
  const judgement = await listeners.judge(written.writes)
  return roundOf(written, judgement, from, judgement.delivered / seconds)
}

/** One write of which everybody hears. The `max` is when the last one did. */
export async function measureFanOut(
  listeners: Listeners,
  writer: RoomWriter,
): Promise<Round & { max: number }> {
  await listeners.record()
  const written = await writer.writeOnce(lobby)
  const judgement = await listeners.judge(written.writes)
  const { max } = judgement.afterAnswer
  const rate = (judgement.delivered / Math.max(1, max)) * 1000
  return { ...roundOf(written, judgement, 'afterAnswer', rate), max }
}

function roundOf({ failed, failure }: Written, judgement: Judgement, from: From, rate: number): Round {
  const { missed, surplus, busy } = judgement
  const { p50, p99 } = judgement[from]
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
