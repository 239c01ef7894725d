/** The same random numbers for the same seed: what failed once fails again. */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** One of two kinds of requests, and how long it took. */
export interface Sample {
  isKnown: boolean
  milliseconds: number
}

// A machine's moods last longer than so many requests: each is compared with its neighbours only.
const blockLength = 40

/**
 * How many standard deviations two kinds of requests are from taking equally long; above zero if the known ones take
 * longer. By the ranks within blocks of neighbours (van Elteren's form of the test of Mann and Whitney, 1947): no figure
 * in milliseconds, so it holds on a slow machine, and outliers weigh no more than others.
 */
export function deviationsBetween(samples: readonly Sample[]): number {
  let difference = 0
  let variance = 0
  for (let start = 0; start < samples.length; start += blockLength) {
    const block = samples.slice(start, start + blockLength)
    const known = block.filter(({ isKnown }) => isKnown).length
    const unknown = block.length - known
    difference += countLonger(block) - (known * unknown) / 2
    variance += (known * unknown * (block.length + 1)) / 12
  }
  return difference / Math.sqrt(variance)
}

/** In how many pairs of both kinds the known one took longer; half of each tie. */
function countLonger(block: readonly Sample[]): number {
  let count = 0
  for (const known of block.filter(({ isKnown }) => isKnown)) {
    for (const { isKnown, milliseconds } of block) {
      if (isKnown || milliseconds > known.milliseconds) continue
      count += milliseconds < known.milliseconds ? 1 : 0.5
    }
  }
  return count
}

/** The same samples, had the known ones taken so much longer. */
export function lengthenKnown(samples: readonly Sample[], milliseconds: number): Sample[] {
  return samples.map((sample) =>
    sample.isKnown ? { ...sample, milliseconds: sample.milliseconds + milliseconds } : sample,
  )
}

export function medianOf(samples: readonly Sample[]): number {
  const sorted = samples.map(({ milliseconds }) => milliseconds).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
