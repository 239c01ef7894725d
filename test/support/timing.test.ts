import { expect, test } from 'vitest'
import { deviationsBetween, lengthenKnown, type Sample, seededRandom } from './timing.ts'

/** As times are: mostly alike, with some that are much longer, on a machine that is busy now and then. */
function samplesOf(random: () => number, count: number): Sample[] {
  return Array.from({ length: count }, (_, index) => {
    const mood = Math.floor(index / 150) % 2 === 0 ? 20 : 60
    const outlier = random() < 0.02 ? 300 : 0
    return { isKnown: random() < 0.5, milliseconds: mood - 4 * Math.log(1 - random()) + outlier }
  })
}

test('ranks are compared as Mann and Whitney did', () => {
  const known = [3, 4, 5, 6, 7].map((milliseconds) => ({ isKnown: true, milliseconds }))
  const unknown = [1, 2, 4, 4].map((milliseconds) => ({ isKnown: false, milliseconds }))
  // The known one is longer in 17 of 20 pairs, counted by hand with ties as halves.
  const expected = (17 - 10) / Math.sqrt((4 * 5 * 10) / 12)
  expect(deviationsBetween([...known, ...unknown])).toBeCloseTo(expected)
})

test('what is alike is found alike in a thousand comparisons', () => {
  const random = seededRandom(1)
  const deviations = Array.from({ length: 1000 }, () => Math.abs(deviationsBetween(samplesOf(random, 200))))
  expect(Math.max(...deviations)).toBeLessThan(4.4)
  expect(deviations.filter((each) => each > 1.96).length / 1000).toBeCloseTo(0.05, 1)
})

test('two milliseconds are found, whatever outliers and moods there are', () => {
  const random = seededRandom(2)
  for (let round = 0; round < 50; round += 1) {
    expect(deviationsBetween(lengthenKnown(samplesOf(random, 1000), 2))).toBeGreaterThan(4.4)
  }
})
