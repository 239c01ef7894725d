import { isJsonObject } from './json.ts'
import type { Json } from './json.ts'

/** Degrees, longitude first as in GeoJSON (RFC 7946). */
export type GeoPoint = readonly [longitude: number, latitude: number]

/** Degrees. West greater than east crosses the antimeridian. */
export interface GeoBox {
  readonly west: number
  readonly south: number
  readonly east: number
  readonly north: number
}

/** A point of the unit sphere. */
export type Vector = readonly [x: number, y: number, z: number]

/** The mean radius of the earth in metres (IUGG). */
const earthRadius = 6371008.8

// Not `* Math.PI / 180`: PostgreSQL's radians() multiplies by this constant.
const radiansPerDegree = 0.017453292519943295

/** The point of a GeoJSON Point, or undefined when the value isn't a valid one. */
export function pointOf(value: unknown): GeoPoint | undefined {
  if (!isJsonObject(value) || value['type'] !== 'Point') return undefined
  return pointOfCoordinates(value['coordinates'])
}

/** The point of `[longitude, latitude]`, with or without altitude. */
export function pointOfCoordinates(coordinates: unknown): GeoPoint | undefined {
  if (!Array.isArray(coordinates) || coordinates.length < 2 || coordinates.length > 3) return undefined
  const [longitude, latitude]: unknown[] = coordinates
  if (typeof longitude !== 'number' || typeof latitude !== 'number') return undefined
  if (!(Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90)) return undefined
  return [withoutDust(longitude), withoutDust(latitude)]
}

// The same bound as in `basalt.coordinate`.
function withoutDust(degrees: number): number {
  return Math.abs(degrees) < 1e-17 ? 0 : degrees
}

export function vectorOf([longitude, latitude]: GeoPoint): Vector {
  const lambda = longitude * radiansPerDegree
  const phi = latitude * radiansPerDegree
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)]
}

/** The straight line through the unit sphere between two points. It grows with the great circle's distance. */
export function chordBetween(a: Vector, b: Vector): number {
  const [x, y, z] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
  return Math.sqrt(x * x + y * y + z * z)
}

/** The chord that spans so many metres of a great circle. Half the way round and more reaches every point. */
export function chordOfDistance(metres: number): number {
  return metres >= Math.PI * earthRadius ? 3 : 2 * Math.sin(metres / (2 * earthRadius))
}

/** The distance in metres along the great circle that a chord spans. */
export function distanceOfChord(chord: number): number {
  return 2 * earthRadius * Math.asin(Math.min(1, chord / 2))
}

export function isInBox([longitude, latitude]: GeoPoint, { west, south, east, north }: GeoBox): boolean {
  if (latitude < south || latitude > north) return false
  return west <= east ? longitude >= west && longitude <= east : longitude >= west || longitude <= east
}

/**
 * A sphere that encloses the box, for the index to look in. Undefined when the box is wider than half the
 * globe: only up to there are its corners the points farthest from its centre.
 */
export function sphereAround({
  west,
  south,
  east,
  north,
}: GeoBox): { center: Vector; chord: number } | undefined {
  const width = west <= east ? east - west : east - west + 360
  if (width > 180) return undefined
  const center = vectorOf([west + width / 2, (south + north) / 2])
  const corners: GeoPoint[] = [
    [west, south],
    [west, north],
  ]
  const chord = Math.max(...corners.map((corner) => chordBetween(center, vectorOf(corner))))
  return { center, chord: chord + 1e-9 }
}

/** The chord from a document's field to a point, or undefined when the field holds no valid point. */
export function chordTo(field: Json, from: Vector): number | undefined {
  const point = pointOf(field)
  return point === undefined ? undefined : chordBetween(vectorOf(point), from)
}
