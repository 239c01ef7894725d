import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeCursor, encodeCursor } from '../../src/query/cursor.ts'
import { always } from '../../src/query/expression.ts'
import type { Json } from '../../src/query/json.ts'
import { parseFilter } from '../../src/query/parse-filter.ts'
import { orderOf, parseSort } from '../../src/query/parse-sort.ts'
import type { SortKey } from '../../src/query/parse-sort.ts'
import { compareDocuments } from '../../src/query/sort-documents.ts'
import { cursorToSql, distanceToSql, sortToSql } from '../../src/query/sort-to-sql.ts'
import { toSql } from '../../src/query/to-sql.ts'
import type { TestDatabase } from '../support/database.ts'
import { documents, sortablePaths } from './arbitraries.ts'
import { contextFor, createQueryDatabase, store } from './query-database.ts'
import type { StoredDocument } from './query-database.ts'

const scale = Number(process.env['PROPERTY_SCALE'] ?? 1)
let database: TestDatabase

beforeAll(async () => {
  database = await createQueryDatabase('things')
})
afterAll(() => database.drop())

/** Reads page by page, as a client does, and returns the ids in the order of their arrival. */
async function walk(
  sort: SortKey[],
  pageSize: number,
  byId: Map<string, StoredDocument>,
  filter = always,
): Promise<string[]> {
  const seen: string[] = []
  let after: string | undefined
  for (;;) {
    const context = contextFor({ geo: [['spot']] })
    const where = toSql(filter, context)
    const rest = after === undefined ? 'TRUE' : cursorToSql(sort, decodeCursor(after, sort), context)
    const distance = distanceToSql(sort, context) ?? 'NULL::float8'
    const { rows } = await database.pool.query<{ id: string; distance: number | null }>(
      `SELECT id, ${distance} AS distance FROM p.things AS t
      WHERE ${where} AND ${rest} ORDER BY ${sortToSql(sort, context)} LIMIT ${pageSize}`,
      context.params.values,
    )
    seen.push(...rows.map(({ id }) => id))
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageSize || seen.length > byId.size) return seen
    after = encodeCursor(sort, byId.get(last.id)!, last.distance ?? undefined)
  }
}

function byIdOf(things: StoredDocument[]): Map<string, StoredDocument> {
  return new Map(things.map((doc) => [doc.id, doc]))
}

const sorts = fc
  .uniqueArray(sortablePaths, { maxLength: 3 })
  .chain((paths) => fc.tuple(...paths.map((path) => fc.boolean().map((down) => (down ? `-${path}` : path)))))

describe('pages', () => {
  it(
    'walk every document exactly once, in the order that JavaScript has',
    { timeout: 60_000 * scale },
    async () => {
      const seed = Number(process.env['PROPERTY_SEED'] ?? Math.trunc(Math.random() * 2 ** 30))
      for (let run = 0; run < 5 * scale; run++) {
        const things = fc.sample(documents(70), { seed: seed + run, numRuns: 1 })[0]!
        await store(database.pool, 'things', things)
        const cases = fc.sample(fc.tuple(sorts, fc.integer({ min: 1, max: 30 })), {
          seed: seed + run,
          numRuns: 12,
        })
        for (const [names, pageSize] of cases) {
          const sort = parseSort(names)
          const expected = things.toSorted(compareDocuments(sort)).map(({ id }) => id)
          expect(
            await walk(sort, pageSize, byIdOf(things)),
            `${names.join()} by ${pageSize} (seed ${seed + run})`,
          ).toEqual(expected)
        }
      }
    },
  )

  it('walk by distance from a point exactly once, ties too', async () => {
    const things = Array.from({ length: 60 }, (_, index) => ({
      id: `d${index}`,
      createdAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-01T00:00:00.000Z',
      version: 1,
      spot: { type: 'Point', coordinates: [(index % 20) * 17 - 170, ((index * 7) % 20) * 4 - 40] },
    }))
    await store(database.pool, 'things', [...things, { ...things[0]!, id: 'nowhere', spot: null }])
    const filter = parseFilter({ spot: { $near: [1.5, 2.25] } })
    const sort = orderOf(filter, undefined)
    const expected = things.toSorted(compareDocuments(sort)).map(({ id }) => id)
    for (const pageSize of [1, 7, 100])
      expect(await walk(sort, pageSize, byIdOf(things), filter)).toEqual(expected)
  })
})

describe('a sort', () => {
  it('ends with id in the direction of its last field', () => {
    expect(parseSort('-createdAt,title')).toEqual([
      { kind: 'field', path: ['createdAt'], direction: 'descending' },
      { kind: 'field', path: ['title'], direction: 'ascending' },
      { kind: 'field', path: ['id'], direction: 'ascending' },
    ])
    expect(parseSort(['-votes']).at(-1)).toEqual({ kind: 'field', path: ['id'], direction: 'descending' })
    expect(parseSort('-id,title')).toHaveLength(2)
    expect(parseSort(undefined)).toEqual([{ kind: 'field', path: ['id'], direction: 'ascending' }])
  })

  it.each([
    ['a,b,c,d,e,f,g,h,i', 'too_many_fields'],
    ['a,-a', 'duplicate_field'],
    ['a,,b', 'invalid_path'],
    ['$a', 'invalid_path'],
    ['a.__proto__', 'invalid_path'],
    [7, 'wrong_type'],
    [['a', 7], 'wrong_type'],
  ])('%j is refused as %s', (input, code) => {
    expect(() => parseSort(input)).toThrow(
      expect.objectContaining({ errors: [expect.objectContaining({ code })] }),
    )
  })

  it('takes eight fields', () => {
    expect(parseSort('a,b,c,d,e,f,g,h')).toHaveLength(9)
  })
})

describe('a cursor', () => {
  const sort = parseSort('-votes,version')
  const cursor = encodeCursor(sort, { id: 'a', votes: 'x', version: 3 })
  const encode = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const mark = (JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Json[])[0]!

  it('gives back its keys for the sort that it was made with', () => {
    expect(decodeCursor(cursor, sort)).toEqual(['sx', 3, 'a'])
  })

  it.each([
    ['of another sort', encodeCursor(parseSort('-votes,-version'), { id: 'a', votes: 'x', version: 3 })],
    ['that is no base64', '%%%'],
    ['that is no list', encode({ a: 1 })],
    ['with a key too few', encode([mark, 'sx', 3])],
    ['with a key too many', encode([mark, 'sx', 3, 'a', 'b'])],
    ['with a key of another type', encode([mark, 'sx', '3', 'a'])],
    ['with a version that no bigint holds', encode([mark, 'sx', 1e30, 'a'])],
    ['with a text that can not be bound', encode([mark, 'sx', 3, '\0'])],
    ['that is no text', 7],
    ['that is empty', ''],
  ])('%s is refused', (_what, text) => {
    expect(() => decodeCursor(text, sort)).toThrow(
      expect.objectContaining({
        errors: [expect.objectContaining({ path: 'after', code: 'invalid_cursor' })],
      }),
    )
  })
})
