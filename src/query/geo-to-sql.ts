import { invalidValue } from '../platform/errors.ts'
import type { Near, WithinBox, WithinRadius } from './expression.ts'
import type { FieldPath } from './field-path.ts'
import { chordOfDistance, sphereAround } from './geo.ts'
import type { GeoPoint } from './geo.ts'
import { geoExpression, jsonField } from './index-expression.ts'
import type { SqlContext } from './sql-context.ts'

/**
 * Geography in SQL: the index finds the points in a cube around the sphere that is meant, then each is
 * checked exactly. Fails with 400 `index_required` without a geo index on the field.
 */
export function geoToSql(test: Near | WithinRadius | WithinBox, context: SqlContext): string {
  const geo = indexedGeo(test.path, test.kind, context)
  if (test.kind === 'withinBox') return withinBox(test, geo, context)
  const metres = test.kind === 'near' ? test.maxDistance : test.radius
  if (metres === undefined) return `${geo} IS NOT NULL`
  const center = pointToSql(test.kind === 'near' ? test.point : test.center, context)
  const chord = context.params.push(chordOfDistance(metres), 'float8')
  return `(${around(geo, center, chord)} AND basalt.cube_distance(${geo}, ${center}) <= ${chord})`
}

/**
 * The chord from a row's point to the given one, for ORDER BY: a GiST index yields the rows in this order.
 * Fails with 400 `index_required` without a geo index on the field.
 */
export function chordToSql(path: FieldPath, point: GeoPoint, context: SqlContext): string {
  return `(${indexedGeo(path, 'near', context)} OPERATOR(basalt.<->) ${pointToSql(point, context)})`
}

function withinBox({ path, box }: WithinBox, geo: string, context: SqlContext): string {
  const bind = (degrees: number): string => context.params.push(degrees, 'float8')
  const field = jsonField(path, `${context.alias}.data`)
  const longitude = `basalt.coordinate(${field}, 0)`
  const latitude = `basalt.coordinate(${field}, 1)`
  const [west, south, east, north] = [bind(box.west), bind(box.south), bind(box.east), bind(box.north)]
  const exact = [
    `${latitude} BETWEEN ${south} AND ${north}`,
    box.west <= box.east
      ? `${longitude} BETWEEN ${west} AND ${east}`
      : `(${longitude} >= ${west} OR ${longitude} <= ${east})`,
  ]
  const sphere = sphereAround(box)
  if (sphere === undefined) return `(${exact.join(' AND ')})`
  const nearby = around(
    geo,
    `basalt.cube(${context.params.push(sphere.center, 'float8[]')})`,
    bind(sphere.chord),
  )
  return `(${[nearby, ...exact].join(' AND ')})`
}

function around(geo: string, center: string, chord: string): string {
  return `basalt.cube_enlarge(${center}, ${chord}, 3) OPERATOR(basalt.@>) ${geo}`
}

// PostgreSQL makes the vector, not JavaScript: their sines differ in the last bit, and a point must be at no
// distance from itself.
function pointToSql(coordinates: GeoPoint, { params }: SqlContext): string {
  return `basalt.geo(${params.push(JSON.stringify({ type: 'Point', coordinates }), 'jsonb')})`
}

function indexedGeo(
  path: FieldPath,
  kind: Near['kind'] | WithinRadius['kind'] | WithinBox['kind'],
  context: SqlContext,
): string {
  const name = path.join('.')
  if (context.indexes.geo.some((indexed) => indexed.join('.') === name)) {
    return geoExpression(path, `${context.alias}.data`)
  }
  throw invalidValue(`where.${name}.$${kind}`, `$${kind} needs a geo index on ${name}.`, 'index_required')
}
