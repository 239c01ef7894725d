import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { roomToHash } from '../../src/platform/hashing/room-to-hash.ts'

test('hashing has all processors while nothing else is done, and leaves one as soon as others are served', async () => {
  roomToHash()
  await sleep(1100)
  expect(roomToHash()).toEqual({ threads: availableParallelism(), jobsEach: 2 })
  await serve(1100)
  expect(roomToHash()).toEqual({ threads: Math.max(1, availableParallelism() - 1), jobsEach: 1 })
  await sleep(1100)
  expect(roomToHash().threads).toBe(availableParallelism())
})

/** Keeps the event loop busy, with pauses as short as those between requests. */
async function serve(milliseconds: number): Promise<void> {
  for (const end = performance.now() + milliseconds; performance.now() < end; await sleep(1)) {
    for (const pause = performance.now() + 10; performance.now() < pause;);
  }
}
