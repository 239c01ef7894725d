import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compilePredicate } from '../../src/query/compile-predicate.ts'
import { chordBetween, chordOfDistance, distanceOfChord, vectorOf } from '../../src/query/geo.ts'
import type { GeoPoint } from '../../src/query/geo.ts'
import type { Json } from '../../src/query/json.ts'
import { parseFilter } from '../../src/query/parse-filter.ts'
import type { TestDatabase } from '../support/database.ts'
import { contextFor, createQueryDatabase, idsFromSql, store } from './query-database.ts'
import type { StoredDocument } from './query-database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createQueryDatabase('places')
})
afterAll(() => database.drop())

function place(id: string, spot: Json): StoredDocument {
  return {
    id,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    version: 1,
    spot,
  }
}

const point = (coordinates: Json): Json => ({ type: 'Point', coordinates })
const degrees = (limit: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.constantFrom(0, -0, limit, -limit, 5e-324, 1e-16, limit / 2),
    fc.double({ min: -limit, max: limit, noNaN: true }),
    fc.integer({ min: -limit, max: limit }),
  )
const points = fc.tuple(degrees(180), degrees(90))
const geoFilters: fc.Arbitrary<Json> = fc.oneof(
  fc
    .tuple(points, fc.double({ min: 0, max: 2.1e7, noNaN: true }))
    .map(([center, radius]) => ({ $withinRadius: { center, radius } })),
  fc
    .tuple(points, fc.double({ min: 0, max: 2.1e7, noNaN: true }))
    .map(([at, maxDistance]) => ({ $near: { point: at, maxDistance } })),
  points.map((at) => ({ $near: at })),
  fc
    .tuple(points, points)
    .map(([[west, a], [east, b]]) => ({ $withinBox: [west, Math.min(a, b), east, Math.max(a, b)] })),
)
const invalid: Json[] = [
  null,
  'Point',
  [1, 2],
  {},
  point(null),
  point([1]),
  point(['1', 2]),
  point([181, 0]),
  point([0, 91]),
  point([1, 2, 3, 4]),
  { type: 'point', coordinates: [1, 2] },
  { type: 'LineString', coordinates: [1, 2] },
  point({ 0: 1, 1: 2 }),
]

describe('geography', () => {
  it('has the same answers in PostgreSQL and JavaScript', { timeout: 60_000 }, async () => {
    const seed = Math.trunc(Math.random() * 2 ** 30)
    const valid = fc.sample(points, { seed, numRuns: 400 }).map(point)
    const places = [...valid, point([1, 2, 300]), ...invalid].map((spot, index) =>
      place(`p${index}`, JSON.parse(JSON.stringify(spot)) as Json),
    )
    await store(database.pool, 'places', places)
    for (const geo of fc.sample(geoFilters, { seed, numRuns: 150 })) {
      const expression = parseFilter({ spot: geo })
      const { evaluate } = compilePredicate(expression)
      const expected = places.filter((doc) => evaluate({ doc })).map(({ id }) => id)
      const found = await idsFromSql(database.pool, 'places', expression, contextFor({ geo: [['spot']] }))
      expect(found, `${JSON.stringify(geo)} (seed ${seed})`).toEqual(expected.toSorted())
    }
  })

  it('finds each point within no metres of itself', async () => {
    const spots = fc.sample(points, 200)
    await store(
      database.pool,
      'places',
      spots.map((at, index) => place(`p${index}`, JSON.parse(JSON.stringify(point(at))) as Json)),
    )
    for (const [index, center] of spots.entries()) {
      const expression = parseFilter({ spot: { $withinRadius: { center, radius: 0 } } })
      const found = await idsFromSql(database.pool, 'places', expression, contextFor({ geo: [['spot']] }))
      expect(found, JSON.stringify(center)).toContain(`p${index}`)
    }
  })

  it('finds nothing where there is no valid point, and does not fail', async () => {
    await store(
      database.pool,
      'places',
      invalid.map((spot, index) => place(`p${index}`, spot)),
    )
    const everywhere = parseFilter({ spot: { $withinRadius: { center: [0, 0], radius: 3e7 } } })
    expect(await idsFromSql(database.pool, 'places', everywhere, contextFor({ geo: [['spot']] }))).toEqual([])
  })

  it('crosses the antimeridian when west is greater than east', () => {
    const { evaluate } = compilePredicate(parseFilter({ spot: { $withinBox: [170, -10, -170, 10] } }))
    expect(evaluate({ doc: { spot: point([179, 0]) } })).toBe(true)
    expect(evaluate({ doc: { spot: point([-179, 0]) } })).toBe(true)
    expect(evaluate({ doc: { spot: point([0, 0]) } })).toBe(false)
  })

  it.each<[GeoPoint, GeoPoint, number]>([
    [[0, 0], [179.9999, 0], 20_015_100],
    [[0, 0], [0, 90], 10_007_557],
    [[2.3522, 48.8566], [-0.1276, 51.5072], 343_500],
  ])('from %j to %j it is %d metres, to a thousandth', (a, b, metres) => {
    const distance = distanceOfChord(chordBetween(vectorOf(a), vectorOf(b)))
    expect(Math.abs(distance - metres)).toBeLessThan(metres / 1000)
    expect(chordOfDistance(distance)).toBeCloseTo(chordBetween(vectorOf(a), vectorOf(b)), 6)
  })

  it.each([
    { $near: [0, 0] },
    { $withinRadius: { center: [0, 0], radius: 1 } },
    { $withinBox: [0, 0, 1, 1] },
  ])('%j is refused without an index on the field', async (geo) => {
    const finding = idsFromSql(
      database.pool,
      'places',
      parseFilter({ spot: geo }),
      contextFor({ geo: [['other']] }),
    )
    await expect(finding).rejects.toMatchObject({
      status: 400,
      errors: [{ path: `where.spot.${Object.keys(geo)[0]}`, code: 'index_required' }],
    })
  })
})
