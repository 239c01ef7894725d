import { never } from './expression.ts'
import type { Expression } from './expression.ts'
import type { FieldPath } from './field-path.ts'
import type { FilterIssues } from './filter-issues.ts'
import { pointOf, pointOfCoordinates } from './geo.ts'
import type { GeoPoint } from './geo.ts'
import { isJsonObject } from './json.ts'

/** `{"point": [longitude, latitude], "maxDistance": metres}`, or the point alone. */
export function parseNear(path: FieldPath, input: unknown, at: string, issues: FilterIssues): Expression {
  if (Array.isArray(input) || pointOf(input) !== undefined) {
    return { kind: 'near', path, point: parsePoint(input, at, issues) }
  }
  const fields = fieldsOf(input, ['point', 'maxDistance'], at, issues)
  if (fields === undefined) return never
  const point = parsePoint(fields['point'], `${at}.point`, issues)
  if (fields['maxDistance'] === undefined) return { kind: 'near', path, point }
  return {
    kind: 'near',
    path,
    point,
    maxDistance: parseMetres(fields['maxDistance'], `${at}.maxDistance`, issues),
  }
}

/** `{"center": [longitude, latitude], "radius": metres}`. */
export function parseWithinRadius(
  path: FieldPath,
  input: unknown,
  at: string,
  issues: FilterIssues,
): Expression {
  const fields = fieldsOf(input, ['center', 'radius'], at, issues)
  if (fields === undefined) return never
  const center = parsePoint(fields['center'], `${at}.center`, issues)
  return { kind: 'withinRadius', path, center, radius: parseMetres(fields['radius'], `${at}.radius`, issues) }
}

/** `[west, south, east, north]` in degrees. */
export function parseWithinBox(
  path: FieldPath,
  input: unknown,
  at: string,
  issues: FilterIssues,
): Expression {
  const [west, south, east, north]: unknown[] = Array.isArray(input) && input.length === 4 ? input : []
  const corners = [pointOfCoordinates([west, south]), pointOfCoordinates([east, north])] as const
  if (corners[0] === undefined || corners[1] === undefined || corners[0][1] > corners[1][1]) {
    issues.add(at, 'invalid_value', 'A box is [west, south, east, north] in degrees, south not above north.')
    return never
  }
  const [[westernmost, southernmost], [easternmost, northernmost]] = [corners[0], corners[1]]
  const box = { west: westernmost, south: southernmost, east: easternmost, north: northernmost }
  return { kind: 'withinBox', path, box }
}

/** The fields of the operand. What isn't an object has none, and its fault is told once. */
function fieldsOf(
  input: unknown,
  known: readonly string[],
  at: string,
  issues: FilterIssues,
): Readonly<Record<string, unknown>> | undefined {
  if (!isJsonObject(input)) {
    issues.add(at, 'wrong_type', `This takes an object with ${known.join(' and ')}.`)
    return undefined
  }
  for (const name of Object.keys(input)) {
    if (!known.includes(name))
      issues.add(`${at}.${name}`, 'unknown_field', `This takes ${known.join(' and ')}.`)
  }
  return input
}

function parsePoint(input: unknown, at: string, issues: FilterIssues): GeoPoint {
  const point = pointOf(input) ?? pointOfCoordinates(input)
  if (point === undefined)
    issues.add(at, 'invalid_value', 'A point is [longitude, latitude] in degrees, or a GeoJSON Point.')
  return point ?? [0, 0]
}

function parseMetres(input: unknown, at: string, issues: FilterIssues): number {
  if (typeof input === 'number' && Number.isFinite(input) && input >= 0) return input
  issues.add(at, 'invalid_value', 'A distance is a number of metres, 0 or more.')
  return 0
}
