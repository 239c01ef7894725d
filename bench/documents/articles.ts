/** The data that every server under test holds. The same number makes the same document, at any time. */
export interface Article {
  title: string
  body: string
  category: string
  author: { id: string; name: string }
  tags: string[]
  score: number
  views: number
  public: boolean
}

export const categories = 100

/** About 400 bytes of JSON. One of ten is not public. */
export function makeArticle(number: number): Article {
  const random = mulberry32(number)
  const words = (count: number): string =>
    Array.from({ length: count }, () => pick(vocabulary, random())).join(' ')
  const author = Math.floor(random() * 5000)
  return {
    title: words(5),
    body: words(28),
    category: categoryName(Math.floor(random() * categories)),
    author: { id: `user-${author}`, name: `${words(1)} ${words(1)}` },
    tags: [words(1), words(1), words(1)],
    score: Math.floor(random() * 1_000_000),
    views: 0,
    public: isPublic(number),
  }
}

export function isPublic(number: number): boolean {
  return number % 10 !== 9
}

/** 15 letters and digits in ascending order, which all of the servers accept. */
export function articleId(number: number): string {
  return `a${String(number).padStart(14, '0')}`
}

export function categoryName(number: number): string {
  return `category-${number}`
}

const vocabulary =
  'amber basin cedar delta ember fjord grove haven inlet jasper kelp lagoon meadow north orchard prairie quarry ridge summit tundra upland valley willow yonder zephyr harbour island granite'.split(
    ' ',
  )

function pick(list: readonly string[], share: number): string {
  return list[Math.floor(share * list.length)] ?? ''
}

/** A small generator of numbers from 0 to 1 that repeats itself for the same seed. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
