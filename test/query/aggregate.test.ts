import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aggregateToSql } from '../../src/query/aggregate-to-sql.ts'
import { parseAggregate } from '../../src/query/parse-aggregate.ts'
import type { TestDatabase } from '../support/database.ts'
import { contextFor, createQueryDatabase, store } from './query-database.ts'

let database: TestDatabase

const data = [
  { country: 'DE', city: { name: 'Ulm' }, price: 0.1, tag: 'b' },
  { country: 'DE', city: { name: 'Ulm' }, price: 0.2, tag: 'a' },
  { country: 'DE', city: { name: 'Bonn' }, price: 'free', tag: null },
  { country: 'FR', city: { name: 'Lyon' }, price: 5, tag: 7 },
  { country: 'FR', price: null },
  { country: null, price: 1e308, tag: true },
  { price: 1e308 },
]

beforeAll(async () => {
  database = await createQueryDatabase('sales')
  const rows = data.map((fields, index) => ({
    id: `d${index}`,
    createdAt: `2026-01-0${1 + (index % 2)}T00:00:00.000Z`,
    updatedAt: '2026-01-01T00:00:00.000Z',
    version: 1,
    ...fields,
  }))
  await store(database.pool, 'sales', rows)
})
afterAll(() => database.drop())

async function aggregate(body: unknown): Promise<unknown[]> {
  const context = contextFor()
  const sql = aggregateToSql(parseAggregate(body), 'p.sales', context)
  const { rows } = await database.pool.query<{ data: unknown }>(sql, context.params.values)
  return rows.map((row) => row.data)
}

describe('an aggregate', () => {
  it('groups, missing and null together, ordered by group', async () => {
    expect(await aggregate({ groupBy: ['country'], select: { n: { $count: true } } })).toEqual([
      { country: null, n: 2 },
      { country: 'DE', n: 3 },
      { country: 'FR', n: 2 },
    ])
  })

  it('sums as decimals, and takes only numbers', async () => {
    const select = {
      total: { $sum: 'price' },
      average: { $avg: 'price' },
      low: { $min: 'price' },
      high: { $max: 'price' },
    }
    expect(await aggregate({ where: { country: 'DE' }, select })).toEqual([
      { total: 0.3, average: 0.15, low: 0.1, high: 'free' },
    ])
  })

  it('gives null where no number holds the sum, or nothing is there', async () => {
    const select = {
      total: { $sum: 'price' },
      average: { $avg: 'missing' },
      none: { $sum: 'missing' },
      least: { $min: 'missing' },
    }
    expect(await aggregate({ where: { country: null }, select })).toEqual([
      { total: null, average: null, none: 0, least: null },
    ])
  })

  it('answers for no documents with one row when there are no groups', async () => {
    const where = { country: 'IT' }
    expect(await aggregate({ where, select: { n: { $count: true } } })).toEqual([{ n: 0 }])
    expect(await aggregate({ where, groupBy: ['country'], select: { n: { $count: true } } })).toEqual([])
  })

  it('counts different values, and orders booleans, numbers and texts', async () => {
    const select = { tags: { $countDistinct: 'tag' }, first: { $min: 'tag' }, last: { $max: 'tag' } }
    expect(await aggregate({ select })).toEqual([{ tags: 4, first: true, last: 'b' }])
  })

  it('groups by a path, by a system field, by several', async () => {
    const body = {
      where: { country: 'DE' },
      groupBy: ['city.name', 'createdAt'],
      select: { n: { $count: true } },
      sort: '-city.name,createdAt',
    }
    expect(await aggregate(body)).toEqual([
      { 'city.name': 'Ulm', createdAt: '2026-01-01T00:00:00.000Z', n: 1 },
      { 'city.name': 'Ulm', createdAt: '2026-01-02T00:00:00.000Z', n: 1 },
      { 'city.name': 'Bonn', createdAt: '2026-01-01T00:00:00.000Z', n: 1 },
    ])
  })

  it('keeps groups by their values, sorts and limits', async () => {
    const body = {
      groupBy: ['country'],
      select: { n: { $count: true } },
      having: { n: { $gte: 2 }, country: { $ne: null } },
      sort: '-n',
      limit: 1,
    }
    expect(await aggregate(body)).toEqual([{ country: 'DE', n: 3 }])
    const byPath = { groupBy: ['city.name'], select: { n: { $count: true } }, having: { 'city.name': 'Ulm' } }
    expect(await aggregate(byPath)).toEqual([{ 'city.name': 'Ulm', n: 2 }])
  })

  it('takes a system name for a value of the result', async () => {
    const body = {
      groupBy: ['country'],
      select: { version: { $max: 'version' } },
      having: { version: 1 },
      sort: ['version'],
    }
    expect(await aggregate(body)).toHaveLength(3)
  })

  it.each<[unknown, string, string]>([
    [[], '', 'wrong_type'],
    [{ select: {} }, 'select', 'wrong_type'],
    [{ select: { n: { $count: true } }, group: [] }, 'group', 'unknown_field'],
    [{ select: { n: { $median: 'a' } } }, 'select.n.$median', 'unknown_operator'],
    [{ select: { n: { $count: 'a' } } }, 'select.n.$count', 'wrong_type'],
    [{ select: { n: { $sum: 7 } } }, 'select.n.$sum', 'wrong_type'],
    [{ select: { n: { $sum: '_x' } } }, 'select.n.$sum', 'invalid_path'],
    [{ select: { 'a.b': { $count: true } } }, 'select.a.b', 'invalid_path'],
    [{ select: { $n: { $count: true } } }, 'select.$n', 'invalid_path'],
    [{ select: { n: { $count: true, $sum: 'a' } } }, 'select.n', 'wrong_type'],
    [{ groupBy: ['$a'], select: { n: { $count: true } } }, 'groupBy[0]', 'invalid_path'],
    [{ groupBy: 'a', select: { n: { $count: true } } }, 'groupBy', 'wrong_type'],
    [{ groupBy: ['n'], select: { n: { $count: true } } }, 'select', 'duplicate_field'],
    [{ select: { n: { $count: true } }, sort: 'm' }, 'sort', 'unknown_field'],
    [{ select: { n: { $count: true } }, having: { m: 1 } }, 'having.m', 'unknown_field'],
    [{ select: { n: { $count: true } }, having: { $search: 'a' } }, 'having.$search', 'not_allowed_here'],
    [{ select: { n: { $count: true } }, limit: 1001 }, 'limit', 'invalid_value'],
    [{ select: { n: { $count: true } }, limit: 0 }, 'limit', 'invalid_value'],
    [{ select: { n: { $count: true } }, where: { a: { $x: 1 } } }, 'where.a.$x', 'unknown_operator'],
  ])('%j is refused at %s as %s', (body, path, code) => {
    expect(() => parseAggregate(body)).toThrow(
      expect.objectContaining({ status: 400, errors: [expect.objectContaining({ path, code })] }),
    )
  })
})
