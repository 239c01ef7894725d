import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareDocuments } from '../../src/query/sort-documents.ts'
import { decodeCursor, encodeCursor } from '../../src/query/cursor.ts'
import { geoExpression, indexExpression, searchExpression } from '../../src/query/index-expression.ts'
import { parseFilter } from '../../src/query/parse-filter.ts'
import { orderOf, parseSort } from '../../src/query/parse-sort.ts'
import type { SortKey } from '../../src/query/parse-sort.ts'
import { bindVariables } from '../../src/query/bind-variables.ts'
import { parseRule } from '../../src/query/parse-rule.ts'
import type { Expression } from '../../src/query/expression.ts'
import { cursorToSql, sortToSql } from '../../src/query/sort-to-sql.ts'
import { toSql } from '../../src/query/to-sql.ts'
import type { TestDatabase } from '../support/database.ts'
import { contextFor, createQueryDatabase, idsFromSql, store } from './query-database.ts'

const indexes = { geo: [['spot']], search: { fields: [['title']], language: 'english' } }
let database: TestDatabase

beforeAll(async () => {
  database = await createQueryDatabase('things')
  const things = Array.from({ length: 5000 }, (_, index) => ({
    id: `d${String(index).padStart(5, '0')}`,
    createdAt: new Date(1.7e12 + index).toISOString(),
    updatedAt: new Date(1.7e12 + index).toISOString(),
    version: 1,
    team: `team${index % 50}`,
    votes: index % 97,
    tags: [`tag${index % 100}`],
    title: `number ${index}`,
    spot: { type: 'Point', coordinates: [(index % 360) - 180, (index % 179) - 89] },
  }))
  await store(database.pool, 'things', things)
  await database.pool.query(`
    CREATE INDEX by_team ON p.things (${indexExpression(['team'])}, ${indexExpression(['votes'])}, id);
    CREATE INDEX by_created ON p.things (${indexExpression(['createdAt'])}, id);
    CREATE INDEX by_tags ON p.things USING gin ((data->'tags') jsonb_path_ops);
    CREATE INDEX by_title ON p.things USING gin (${searchExpression(indexes.search)});
    CREATE INDEX by_spot ON p.things USING gist (${geoExpression(['spot'])});
    ANALYZE p.things`)
})
afterAll(() => database.drop())

async function planOf(expression: Expression, sort: SortKey[] = [], after?: string): Promise<string> {
  const context = contextFor(indexes, ['things'])
  const where = [toSql(expression, context)]
  if (after !== undefined) where.push(cursorToSql(sort, decodeCursor(after, sort), context))
  const order = sort.length === 0 ? '' : `ORDER BY ${sortToSql(sort, context)}`
  const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(
    `EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM p.things AS t WHERE ${where.join(' AND ')} ${order} LIMIT 20`,
    context.params.values,
  )
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

describe('a declared index', () => {
  it('serves equality, sort and cursor in one walk', async () => {
    const sort = parseSort('votes')
    const after = encodeCursor(sort, { id: 'd00100', votes: 50 })
    for (const plan of [
      await planOf(parseFilter({ team: 'team7' }), sort),
      await planOf(parseFilter({ team: 'team7' }), sort, after),
      await planOf(
        parseFilter({ team: 'team7' }),
        parseSort('-votes'),
        encodeCursor(parseSort('-votes'), { id: 'd1', votes: 90 }),
      ),
    ]) {
      expect(plan).toMatch(/Index (Only )?Scan.* using by_team/)
      expect(plan).not.toMatch(/^\s*(->\s*)?(Incremental )?Sort/m)
    }
    expect(await planOf(parseFilter({ team: 'team7' }), sort, after)).toMatch(/Index Cond: .*ROW\(/)
  })

  it.each([
    ['a range', { team: { $gt: 'team48' } }, 'by_team'],
    ['a prefix', { team: { $startsWith: 'team48' } }, 'by_team'],
    ['one of several values', { team: { $in: ['team3', 'team4'] } }, 'by_team'],
    ['the id', { id: 'd00007' }, 'things_pkey'],
    ['a date', { createdAt: { $gt: '2030-01-01' } }, 'by_created'],
    ['an element of a list', { tags: { $contains: 'tag7' } }, 'by_tags'],
    ['words', { $search: 'number 77' }, 'by_title'],
    ['a circle', { spot: { $withinRadius: { center: [10, 20], radius: 100_000 } } }, 'by_spot'],
    ['a box', { spot: { $withinBox: [10, 20, 12, 22] } }, 'by_spot'],
  ])('serves %s', async (_what, filter, index) => {
    expect(await planOf(parseFilter(filter))).toContain(index)
  })

  it('serves the nearest first', async () => {
    const filter = parseFilter({ spot: { $near: [10, 20] } })
    const plan = await planOf(filter, orderOf(filter, undefined))
    expect(plan).toMatch(/Index Scan using by_spot/)
    expect(plan).toContain('Order By')
  })

  it('serves what a rule is left with once the caller is known', async () => {
    const rule = parseRule('auth.uid != null && doc.team == auth.claims.team', { path: 'rule' })
    const bound = bindVariables(rule, { auth: { uid: 'u', claims: { team: 'team7' } }, request: null })
    expect(await planOf(bound, parseSort('votes'))).toContain('by_team')
  })

  it('serves an exists whose value stands in the row', async () => {
    const rule = parseRule("exists('things', {'team': doc.title, 'votes': 3})", { path: 'rule' })
    expect(await planOf(bindVariables(rule, { auth: null, request: null }))).toContain('by_team')
  })
})

it('sorts a page in JavaScript as the index does', async () => {
  const sort = parseSort('-team,-votes')
  const context = contextFor()
  const { rows } = await database.pool.query<{ id: string; data: { team: string; votes: number } }>(
    `SELECT id, data FROM p.things AS t ORDER BY ${sortToSql(sort, context)} LIMIT 500`,
  )
  const page = rows.map(({ id, data }) => ({ id, ...data }))
  expect(page.toSorted(compareDocuments(sort))).toEqual(page)
})

describe('a full-text search', () => {
  it.each([
    ['number 77', ['d00077']],
    ['77 -number', []],
    ['"77 number"', []],
    ["' & | ! ( : * \\", []],
    ['77 or 78', ['d00077', 'd00078']],
  ])('for %j finds %j', async (words, expected) => {
    expect(
      await idsFromSql(database.pool, 'things', parseFilter({ $search: words }), contextFor(indexes)),
    ).toEqual(expected)
  })
})
