import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { calculate } from '../../src/query/arithmetic.ts'
import { compareText } from '../../src/query/compare-text.ts'
import { jsonEquals } from '../../src/query/json.ts'
import type { Json } from '../../src/query/json.ts'
import { sortKey, textAfterPrefix } from '../../src/query/sort-key.ts'
import type { TestDatabase } from '../support/database.ts'
import { createQueryDatabase } from './query-database.ts'

const odd = [
  0,
  1,
  -1,
  0.5,
  -0.5,
  3,
  0.1,
  0.2,
  1e-5,
  1e-150,
  -1e-160,
  1e-290,
  1e-300,
  5e-324,
  -5e-324,
  2.5e-308,
  1e150,
  1e200,
  -1e300,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  Number.MAX_VALUE / 2,
  1e292,
  2 ** 53,
  2 ** 53 - 1,
  2 ** 53 + 2,
  7,
  -7,
  1.0000000000000002,
]
const doubles = fc.sample(fc.double({ noNaN: true, noDefaultInfinity: true }), 400)
const numbers = [...odd, ...doubles]
const texts = fc
  .sample(fc.string({ unit: 'binary', maxLength: 5 }), 500)
  .filter((text) => text.isWellFormed() && !text.includes('\0'))

let database: TestDatabase

beforeAll(async () => {
  database = await createQueryDatabase()
})
afterAll(() => database.drop())

async function column<T>(sql: string, values: unknown[]): Promise<T[]> {
  const { rows } = await database.pool.query<{ value: T }>(sql, [JSON.stringify(values)])
  return rows.map(({ value }) => value)
}

describe('a sort key', () => {
  const values: Json[] = [...numbers, ...texts, '', 'a', true, false, null, [], [1], {}, { a: 1 }]

  it('is the same in both back ends', async () => {
    const keys = await column<string>(
      'SELECT basalt.key(value) AS value FROM jsonb_array_elements($1) AS value',
      values,
    )
    expect(keys).toEqual(values.map(sortKey))
  })

  it('orders values as PostgreSQL orders the keys', async () => {
    const keys = await column<string>(
      'SELECT basalt.key(value) AS value FROM jsonb_array_elements($1) AS value ORDER BY basalt.key(value) COLLATE "C"',
      values,
    )
    expect(keys).toEqual(values.map(sortKey).toSorted(compareText))
  })

  it('orders null, booleans, numbers, texts, lists and objects in this order', () => {
    const ordered: Json[] = [
      null,
      false,
      true,
      -Number.MAX_VALUE,
      -2,
      -1,
      -5e-324,
      0,
      5e-324,
      1,
      2,
      10,
      Number.MAX_VALUE,
      '',
      'a',
      'a～',
      'a😀',
      [],
      {},
    ]
    expect(ordered.toReversed().toSorted((a, b) => compareText(sortKey(a), sortKey(b)))).toEqual(ordered)
  })

  it('of minus zero is that of zero', () => {
    expect(sortKey(-0)).toBe(sortKey(0))
  })
})

it.each(['', 'a', 'a\u{10FFFF}', '퟿', '\u{10FFFF}', 'é', '\u{FFFF}'])(
  'every text with the prefix %j is below its end',
  (prefix) => {
    const end = textAfterPrefix(prefix)
    for (const text of ['', 'a', '\u{10FFFF}\u{10FFFF}']) {
      if (end !== undefined) expect(compareText(prefix + text, end)).toBeLessThan(0)
    }
    const others = texts.filter((text) => !text.startsWith(prefix) && compareText(text, prefix) > 0)
    for (const text of others) expect(end !== undefined && compareText(text, end) >= 0).toBe(true)
  },
)

describe('arithmetic', () => {
  it.each(['+', '-', '*', '/', '%'] as const)(
    '%s is the same to the last bit in both back ends',
    async (operator) => {
      const pairs = [
        ...odd.flatMap((a) => odd.map((b): [Json, Json] => [a, b])),
        ...doubles.map((a, index): [Json, Json] => [a, doubles[(index * 7 + 1) % doubles.length]!]),
        ['a', 'b'],
        ['a', 1],
        [null, 1],
        [true, 1],
        [[], {}],
      ] satisfies [Json, Json][]
      const results = await column<Json>(
        `SELECT basalt.arithmetic('${operator}', value -> 0, value -> 1) AS value FROM jsonb_array_elements($1) AS value`,
        pairs,
      )
      const differing = pairs
        .map(([a, b], index) => ({ a, b, sql: results[index], js: calculate(operator, a, b) }))
        .filter(({ sql, js }) => sql !== js)
      expect(differing).toEqual([])
    },
  )

  it.each([
    ['/', 1, 0, null],
    ['%', 1, 0, null],
    ['%', 1.5, 1, null],
    ['%', -7, 3, -1],
    ['*', 1e200, 1e200, null],
    ['+', 1e308, 1e308, null],
    ['/', 5, 2, 2.5],
    ['+', 0.1, 0.2, 0.30000000000000004],
    ['+', 'a', 'b', 'ab'],
    ['-', 'a', 'b', null],
    ['+', 'a', 1, null],
  ] as const)('%s of %j and %j is a value: %j', (operator, a, b, expected) => {
    expect(calculate(operator, a, b)).toBe(expected)
  })
})

it.each<[Json, Json, boolean]>([
  [{ a: 1, b: [2] }, { b: [2], a: 1 }, true],
  [{ a: 1 }, { a: 1, b: null }, false],
  [[1, 2], [2, 1], false],
  [0, -0, true],
  [1, '1', false],
  [{}, [], false],
  [null, {}, false],
])('%j and %j: equal is %j', (a, b, expected) => {
  expect(jsonEquals(a, b)).toBe(expected)
  expect(jsonEquals(b, a)).toBe(expected)
})
