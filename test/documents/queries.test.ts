import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { documentsOf, faultsOf, idsOf, type TestDocuments } from './documents-of.ts'

let server: TestServer
let project: TestProject
let books: TestDocuments
let places: TestDocuments

const library = [
  { id: 'a', title: 'Alpha', year: 1990, tags: ['x', 'y'], author: { name: 'Ada' }, lent: true },
  { id: 'b', title: 'Beta', year: 2001, tags: ['y'], author: { name: 'Bob' }, lent: false },
  { id: 'c', title: 'Gamma', year: 2001, tags: [], author: { name: 'Ada' }, price: 9.5 },
  { id: 'd', title: 'alpha', year: '2001', tags: ['x', 'z'], author: null, price: 20 },
  { id: 'e', title: '😀', tags: null },
]

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  await project.defineCollection('books', {
    indexes: [
      { type: 'search', fields: ['title', 'text'], language: 'english' },
      { fields: ['-year', 'title'] },
    ],
    rules: { list: 'true' },
  })
  await project.defineCollection('places', { indexes: [{ type: 'geo', fields: ['at'] }] })
  await project.defineCollection('plain')
  books = documentsOf(project, 'books')
  places = documentsOf(project, 'places')
  for (const book of library) await books.create(book)
})

afterAll(() => server.stop())

const found = async (where: object) => idsOf(await books.query({ where: { ...where }, sort: 'id' })).join('')

test.each([
  [{}, 'abcde'],
  [{ year: 2001 }, 'bc'],
  [{ year: '2001' }, 'd'],
  [{ 'author.name': 'Ada' }, 'ac'],
  [{ author: null }, 'de'],
  [{ lent: true }, 'a'],
  [{ id: { $in: ['a', 'c', 'q'] } }, 'ac'],
  [{ year: { $ne: 2001 } }, 'ade'],
  [{ year: { $gt: 1990 } }, 'bc'],
  [{ year: { $gte: 1990, $lt: 2001 } }, 'a'],
  [{ title: { $lte: 'Beta' } }, 'ab'],
  [{ year: { $nin: [2001, 1990] } }, 'de'],
  [{ price: { $exists: true } }, 'cd'],
  [{ tags: { $exists: false } }, 'e'],
  [{ title: { $startsWith: 'A' } }, 'a'],
  [{ tags: { $contains: 'y' } }, 'ab'],
  [{ tags: { $containsAny: ['x', 'z'] } }, 'ad'],
  [{ tags: { $containsAll: ['x', 'z'] } }, 'd'],
  [{ tags: ['y'] }, 'b'],
  [{ author: { name: 'Bob' } }, 'b'],
  [{ $or: [{ year: 1990 }, { price: { $gt: 10 } }] }, 'ad'],
  [{ $and: [{ tags: { $contains: 'x' } }, { $not: { lent: true } }] }, 'd'],
  [{ year: { $not: { $gte: 1990 } } }, 'de'],
  [{ version: 1 }, 'abcde'],
  [{ createdAt: { $lt: '2020-01-01' } }, ''],
  [{ nothing: 1 }, ''],
])('%j finds %s', async (where, ids) => {
  expect(await found(where)).toBe(ids)
  // The same through the address.
  const listed = await books.list({ where: JSON.stringify(where), sort: 'id' })
  expect(idsOf(listed).join('')).toBe(ids)
})

describe('search', () => {
  test('finds words in any form of the language, and only all of them together', async () => {
    await books.create({ id: 's1', title: 'Running horses', text: 'A mare runs' })
    await books.create({ id: 's2', title: 'A horse', text: 'that stands' })
    expect(await found({ $search: 'horse' })).toBe('s1s2')
    expect(await found({ $search: 'horse run' })).toBe('s1')
    expect(await found({ $search: 'horse', id: 's2' })).toBe('s2')
    expect(await found({ $search: 'cow' })).toBe('')
    expect(await found({ $search: '' })).toBe('')
    await books.patch('s2', { title: 'A cow' })
    expect(await found({ $search: 'cows' })).toBe('s2')
  })

  test.each(["'", '"', '&|!', ':*', '((', '<->', '\\', "a' OR '1'='1", '-- x', '🐎'])(
    'takes %s',
    async (words) => {
      expect((await books.query({ where: { $search: words } })).status).toBe(200)
    },
  )

  test('needs its index', async () => {
    const answer = await documentsOf(project, 'plain').query({ where: { $search: 'a' } })
    expect([answer.status, faultsOf(answer)]).toEqual([400, ['where.$search index_required']])
  })
})

describe('geography', () => {
  const point = (longitude: number, latitude: number) => ({
    type: 'Point',
    coordinates: [longitude, latitude],
  })

  beforeAll(async () => {
    // Every degree of longitude along the equator, around the date line.
    for (let n = 0; n < 20; n++) {
      const longitude = n < 10 ? 170 + n : -190 + n
      await places.create({ id: `p${String(n).padStart(2, '0')}`, at: point(longitude, 0) })
    }
    await places.create({ id: 'nowhere' })
    await places.create({ id: 'odd', at: { type: 'Point', coordinates: ['x'] } })
  })

  test('$near gives the nearest first, page after page, across the date line', async () => {
    const where = { at: { $near: [179.9, 0.1] } }
    const ids: string[] = []
    let after: string | undefined
    do {
      const page = await places.query({ where, limit: 3, ...(after !== undefined && { after }) })
      expect(page.status).toBe(200)
      ids.push(...idsOf(page))
      after = page.body.nextCursor ?? undefined
    } while (after !== undefined)
    expect(ids).toHaveLength(20)
    expect(ids.slice(0, 5)).toEqual(['p10', 'p09', 'p11', 'p08', 'p12'])
    expect(new Set(ids).size).toBe(20)
  })

  test('$near with a greatest distance, $withinRadius in metres', async () => {
    const near = { at: { $near: { point: [179.9, 0], maxDistance: 130_000 } } }
    expect(idsOf(await places.query({ where: near }))).toEqual(['p10', 'p09', 'p11'])
    const within = { at: { $withinRadius: { center: point(-180, 0), radius: 120_000 } } }
    expect(idsOf(await places.query({ where: within, sort: 'id' }))).toEqual(['p09', 'p10', 'p11'])
  })

  test('$withinBox may cross the date line', async () => {
    const box = { at: { $withinBox: [178, -1, -179, 1] } }
    expect(idsOf(await places.query({ where: box, sort: 'id' }))).toEqual(['p08', 'p09', 'p10', 'p11'])
  })

  test('they need their index, and a place that is one', async () => {
    const answer = await documentsOf(project, 'plain').query({ where: { at: { $near: [0, 0] } } })
    expect([answer.status, faultsOf(answer)[0]]).toEqual([400, 'where.at.$near index_required'])
    const bad = { $or: [{ at: { $near: [0, 0] } }], at: { $withinBox: [0, 1, 1, 0] } }
    const refused = await places.query({
      where: { ...bad, b: { $withinRadius: { center: [200, 0], radius: -1 } } },
    })
    expect(faultsOf(refused)).toEqual([
      'where.$or[0].at.$near not_allowed_here',
      'where.at.$withinBox invalid_value',
      'where.b.$withinRadius.center invalid_value',
      'where.b.$withinRadius.radius invalid_value',
    ])
  })
})

describe('sorts and pages', () => {
  let mixed: TestDocuments
  const values = [null, false, true, -1, 0, 2.5, 10, '', 'A', 'a', 'ä', '😀', undefined]

  beforeAll(async () => {
    await project.defineCollection('mixed', { indexes: [{ fields: ['v', '-w'] }] })
    mixed = documentsOf(project, 'mixed')
    for (let n = 0; n < 60; n++) await mixed.create({ v: values[n % values.length], w: n % 4, n })
  })

  test.each(['v', '-v', 'v,-w', '-v,w', 'w,-v,createdAt', '-n', 'id', '-id', 'v,-id'])(
    'every document comes once in the order of %s, whatever the size of a page',
    async (sort) => {
      const all = idsOf(await mixed.query({ sort, limit: 500 }))
      expect(new Set(all).size).toBe(60)
      for (const limit of [1, 7, 59, 60]) {
        const walked: string[] = []
        let after: string | undefined
        do {
          const page = await mixed.list({ sort, limit: String(limit), ...(after !== undefined && { after }) })
          expect(page.body.documents.length).toBeLessThanOrEqual(limit)
          walked.push(...idsOf(page))
          after = page.body.nextCursor ?? undefined
        } while (after !== undefined)
        expect(walked).toEqual(all)
      }
    },
  )

  test('missing and null come first, then booleans, numbers, strings by code point', async () => {
    const { body } = await mixed.query({ sort: ['v'], limit: 500 })
    const seen = body.documents.map(({ v }: { v?: unknown }) => v ?? null)
    const distinct = seen.filter((v: unknown, at: number) => at === 0 || v !== seen[at - 1])
    expect(distinct).toEqual([null, false, true, -1, 0, 2.5, 10, '', 'A', 'a', 'ä', '😀'])
  })

  test('documents that come and go meanwhile disturb no other', async () => {
    const first = await mixed.query({ sort: '-n', limit: 10 })
    await mixed.remove(first.body.documents.at(-1).id)
    await mixed.create({ n: 1000 })
    const second = await mixed.query({ sort: '-n', limit: 10, after: first.body.nextCursor })
    expect(second.body.documents.map(({ n }: { n: number }) => n)).toEqual([
      49, 48, 47, 46, 45, 44, 43, 42, 41, 40,
    ])
  })

  test('a page has 50 documents, or from 1 to 500', async () => {
    expect((await mixed.query({})).body.documents).toHaveLength(50)
    for (const [limit, status] of [
      [0, 400],
      [1, 200],
      [500, 200],
      [501, 400],
      [-1, 400],
      [1.5, 400],
      ['10', 400],
    ] as const) {
      const answer = await mixed.query({ limit })
      expect([limit, answer.status]).toEqual([limit, status])
      if (status === 400) expect(faultsOf(answer)[0]).toMatch(/^limit /)
    }
    expect((await mixed.list({ limit: '501' })).status).toBe(400)
    expect((await mixed.list({ limit: 'x' })).status).toBe(400)
  })

  test('a cursor is good for its own sort only', async () => {
    const { body } = await mixed.query({ sort: 'v', limit: 5 })
    for (const [sort, after] of [
      ['-v', body.nextCursor],
      ['v,w', body.nextCursor],
      ['v', body.nextCursor.slice(3)],
      ['v', 'x'],
      ['v', ''],
      ['v', Buffer.from('["\\u0000"]').toString('base64url')],
      ['v', Buffer.from('[[1],{}]').toString('base64url')],
    ]) {
      const answer = await mixed.query({ sort, after })
      expect([sort, after, answer.status, faultsOf(answer)]).toEqual([
        sort,
        after,
        400,
        ['after invalid_cursor'],
      ])
    }
  })

  test('counts all matches when asked', async () => {
    const { body } = await mixed.query({ where: { w: 1 }, limit: 2, count: true })
    expect([body.documents.length, body.count]).toEqual([2, 15])
    expect((await mixed.list({ count: 'true', limit: '1' })).body.count).toBe(60)
    expect((await mixed.list({})).body).not.toHaveProperty('count')
  })
})

describe('what is wrong with a query', () => {
  test.each([
    [{ where: [] }, ['where wrong_type']],
    [{ where: 'x' }, ['where wrong_type']],
    [{ where: { a: { $foo: 1 } } }, ['where.a.$foo unknown_operator']],
    [{ where: { $foo: 1 } }, ['where.$foo unknown_operator']],
    [{ where: { $or: {} } }, ['where.$or wrong_type']],
    [
      { where: { a: { $in: 1 }, b: { $gt: [] }, $and: [{ c: { $exists: 1 } }] } },
      ['where.a.$in wrong_type', 'where.b.$gt wrong_type', 'where.$and[0].c.$exists wrong_type'],
    ],
    [{ where: { _a: 1 } }, ['where._a invalid_path']],
    [{ where: { 'a..b': 1 } }, ['where.a..b invalid_path']],
    [{ where: { a: { $eq: 1, b: 1 } } }, ['where.a.b mixed_operators']],
    [{ where: { a: '\0' } }, ['where.a invalid_value']],
    [{ where: { a: { $in: Array.from({ length: 257 }, (_, n) => n) } } }, ['where.a.$in too_many_values']],
    [{ sort: 'a,,b' }, ['sort invalid_path']],
    [{ sort: 'a,-a' }, ['sort duplicate_field']],
    [{ sort: '$a' }, ['sort invalid_path']],
    [{ fields: 'a,_b' }, ['fields[1] invalid_path']],
    [{ include: 'author' }, ['include unknown_relation']],
    [{ filter: {} }, ['filter additionalProperties']],
  ])('%j: %j', async (query, faults) => {
    const answer = await books.query(query)
    expect([answer.status, answer.body.code, faultsOf(answer)]).toEqual([400, 'invalid_request', faults])
  })

  test('a filter in the address that is no JSON', async () => {
    for (const where of ['{', 'a=1', "{'a':1}", '']) {
      const answer = await books.list({ where })
      expect([where, answer.status, faultsOf(answer)]).toEqual([where, 400, ['where malformed']])
    }
    expect((await books.list({ wher: '{}' })).status).toBe(400)
  })

  test('too deep, and too many terms', async () => {
    const deep = (levels: number): object => (levels === 0 ? { a: 1 } : { $not: deep(levels - 1) })
    expect((await books.query({ where: deep(8) })).status).toBe(200)
    expect(faultsOf(await books.query({ where: deep(9) }))[0]).toMatch(/ too_deep$/)
    const terms = (count: number) => ({ $or: Array.from({ length: count }, (_, n) => ({ year: n })) })
    expect((await books.query({ where: terms(64) })).status).toBe(200)
    expect(faultsOf(await books.query({ where: terms(65) }))[0]).toMatch(/ too_many_terms$/)
    const nested = `{"where":{"a":${'['.repeat(5000)}${']'.repeat(5000)}}}`
    expect((await books.query(nested)).status).toBe(400)
    const inAddress = `${'{"$not":'.repeat(500)}{}${'}'.repeat(500)}`
    expect((await books.list({ where: inAddress })).status).toBe(400)
  })
})

describe('aggregates', () => {
  let sales: TestDocuments

  beforeAll(async () => {
    await project.defineCollection('sales')
    sales = documentsOf(project, 'sales')
    for (let n = 0; n < 30; n++) {
      await sales.create({
        shop: { city: `c${n % 3}` },
        kind: n % 2 ? 'odd' : 'even',
        price: n,
        buyer: `b${n % 5}`,
      })
    }
    await sales.create({ price: 'free', kind: 'odd' })
  })

  test('group, select, keep and sort', async () => {
    const { status, body } = await sales.aggregate({
      where: { kind: 'odd' },
      groupBy: ['shop.city'],
      select: {
        n: { $count: true },
        total: { $sum: 'price' },
        mean: { $avg: 'price' },
        least: { $min: 'price' },
        most: { $max: 'price' },
        buyers: { $countDistinct: 'buyer' },
      },
      having: { n: { $gte: 5 } },
      sort: '-total',
      limit: 2,
    })
    expect(status).toBe(200)
    expect(body.groups).toEqual([
      { 'shop.city': 'c2', n: 5, total: 85, mean: 17, least: 5, most: 29, buyers: 5 },
      { 'shop.city': 'c0', n: 5, total: 75, mean: 15, least: 3, most: 27, buyers: 5 },
    ])
  })

  test('without groups there is one, also of nothing', async () => {
    const nothing = await sales.aggregate({
      where: { kind: 'none' },
      select: { n: { $count: true }, s: { $sum: 'price' }, a: { $avg: 'price' }, m: { $max: 'price' } },
    })
    expect(nothing.body.groups).toEqual([{ n: 0, s: 0, a: null, m: null }])
    const all = await sales.aggregate({ select: { s: { $sum: 'price' }, n: { $count: true } } })
    expect(all.body.groups).toEqual([{ s: 435, n: 31 }])
  })

  test('huge sums are no error of ours', async () => {
    for (let n = 0; n < 3; n++) await sales.create({ kind: 'huge', price: 1.7e308 })
    const { status } = await sales.aggregate({
      where: { kind: 'huge' },
      select: { s: { $sum: 'price' }, a: { $avg: 'price' } },
    })
    expect([200, 400, 422]).toContain(status)
  })

  test.each([
    [{}, 'select wrong_type'],
    [{ select: {} }, 'select wrong_type'],
    [{ select: { n: { $median: 'a' } } }, 'select.n.$median unknown_operator'],
    [{ select: { n: { $sum: 1 } } }, 'select.n.$sum wrong_type'],
    [{ select: { n: { $count: true } }, groupBy: ['a b\0'] }, 'groupBy[0] invalid_path'],
    [{ select: { n: { $count: true } }, groupBy: 'a' }, 'groupBy wrong_type'],
    [{ select: { n: { $count: true } }, having: { m: 1 } }, 'having.m unknown_field'],
    [{ select: { n: { $count: true } }, sort: 'm' }, 'sort unknown_field'],
    [{ select: { n: { $count: true } }, limit: 0 }, 'limit invalid_value'],
    [{ select: { __x: { $count: true } } }, 'select.__x invalid_path'],
    [{ select: { "a'b": { $count: true } }, groupBys: [] }, 'groupBys unknown_field'],
  ])('%j is refused: %s', async (query, fault) => {
    const answer = await sales.aggregate(query)
    expect([answer.status, faultsOf(answer)]).toEqual([400, [fault]])
  })
})

test('names are never SQL', async () => {
  const names = [`a"b`, "a'b", 'a;--', 'a\\', 'a) OR (1=1', '$$', 'a b', 'ä']
  for (const name of names) {
    const odd = documentsOf(project, 'plain')
    if (!name.startsWith('$')) expect((await odd.create({ [name]: name })).status).toBe(201)
    for (const answer of [
      await odd.query({ where: { [name]: name }, sort: [name] }),
      await odd.query({ fields: [name] }),
      await odd.aggregate({ groupBy: [name], select: { [name.replaceAll(/\W/g, 'x')]: { $max: name } } }),
    ]) {
      expect([name, [200, 400].includes(answer.status)]).toEqual([name, true])
      if (answer.status === 400) expect(answer.body.code).toBe('invalid_request')
    }
  }
})
