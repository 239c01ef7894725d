import { setImmediate as nextTurn } from 'node:timers/promises'

const atOnce = 100

/** Does something for each of many, some at a time; what comes in meanwhile goes first. */
export async function inTurns<Item>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  let batch: Promise<unknown>[] = []
  for (const item of items) {
    batch.push(work(item))
    if (batch.length < atOnce) continue
    await Promise.all(batch)
    batch = []
    await nextTurn()
  }
  await Promise.all(batch)
}
