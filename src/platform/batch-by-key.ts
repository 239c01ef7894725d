import { availableParallelism } from 'node:os'

interface Lane<Item> {
  waiting: Item[]
  underWay: number
}

// As many as PostgreSQL can work on at once, and never so few that it or this process waits for the other.
const usuallyUnderWay = Math.max(3, availableParallelism())

/**
 * Gathers items that are alike, and runs them in batches: at once while few batches of their kind are under way, else
 * together with all that arrive until one is done. So batches grow with the load, and a lone item waits for nobody.
 *
 * @param run must not throw: each item hears its own outcome
 * @param maxUnderWay 1 where a statement's own cost is what counts, and not how soon it comes back
 */
export function batchByKey<Item>(
  maxBatch: number,
  run: (key: string, batch: Item[]) => Promise<void>,
  maxUnderWay = usuallyUnderWay,
): (key: string, item: Item) => void {
  const lanes = new Map<string, Lane<Item>>()
  const ready = new Set<string>()

  function start(): void {
    for (const key of ready) {
      const lane = lanes.get(key)
      if (lane !== undefined) startLane(key, lane)
    }
    ready.clear()
  }

  function startLane(key: string, lane: Lane<Item>): void {
    while (lane.waiting.length > 0 && lane.underWay < maxUnderWay) {
      lane.underWay += 1
      void run(key, lane.waiting.splice(0, maxBatch)).finally(() => {
        lane.underWay -= 1
        if (lane.waiting.length > 0) schedule(key)
        else if (lane.underWay === 0) lanes.delete(key)
      })
    }
  }

  // What came in with the same read of the sockets gets into the same batch.
  function schedule(key: string): void {
    if (ready.size === 0) setImmediate(start)
    ready.add(key)
  }

  return (key, item) => {
    const lane = lanes.get(key)
    if (lane === undefined) lanes.set(key, { waiting: [item], underWay: 0 })
    else lane.waiting.push(item)
    if (lane === undefined || lane.underWay < maxUnderWay) schedule(key)
  }
}
