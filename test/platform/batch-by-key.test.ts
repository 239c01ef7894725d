import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { batchByKey } from '../../src/platform/batch-by-key.ts'

/** A batcher whose batches end when the test says so. */
function heldBatches(maxBatch: number) {
  const begun: { key: string; batch: number[]; end: () => void }[] = []
  const add = batchByKey<number>(
    maxBatch,
    (key, batch) => new Promise((resolve) => begun.push({ key, batch, end: resolve })),
  )
  return { begun, add }
}

test('what arrives in one turn of the event loop runs together, each kind for itself', async () => {
  const { begun, add } = heldBatches(10)
  add('a', 1)
  add('b', 2)
  add('a', 3)
  await nextTurn()
  expect(begun.map(({ key, batch }) => [key, batch])).toEqual([
    ['a', [1, 3]],
    ['b', [2]],
  ])
})

test('while enough batches are under way the rest gathers, and nothing is lost or run twice', async () => {
  const { begun, add } = heldBatches(10)
  for (let item = 0; item < 200; item++) {
    add('a', item)
    await nextTurn()
  }
  const first = begun.length
  expect(first).toBeLessThan(200)
  for (let at = 0; at < begun.length; at++) {
    begun[at]?.end()
    await nextTurn()
    await nextTurn()
  }
  expect(begun.flatMap(({ batch }) => batch)).toEqual(Array.from({ length: 200 }, (_, item) => item))
  expect(begun.slice(first).every(({ batch }) => batch.length <= 10)).toBe(true)
})

test('a lane that was empty for a while starts again at once', async () => {
  const { begun, add } = heldBatches(2)
  add('a', 1)
  await nextTurn()
  begun[0]?.end()
  await nextTurn()
  add('a', 2)
  await nextTurn()
  expect(begun.map(({ batch }) => batch)).toEqual([[1], [2]])
})
