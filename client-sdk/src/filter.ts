import type { Path, ValueAt } from './document.ts'
import type { Point } from './fields.ts'

/**
 * What a query asks for. Fields by name or dotted path, each with a value or with operators;
 * all of it must hold.
 *
 * @example
 * { status: 'live', votes: { $gte: 10 }, $or: [{ tags: { $contains: 'news' } }, { pinned: true }] }
 */
export type Filter<T> = { readonly [P in Path<T>]?: Condition<ValueAt<T, P>> } & {
  readonly $and?: readonly Filter<T>[]
  readonly $or?: readonly Filter<T>[]
  readonly $not?: Filter<T>
  /** Full text, over the collection's search index: words, `"phrases"`, `or`, `-not`. */
  readonly $search?: string
}

type Condition<V> = unknown extends V
  ? unknown
  : NonNullable<V> | Operators<NonNullable<V>> | (undefined extends V ? null : Extract<V, null>)

/** The operators that make sense for a field of type `V`. */
export type Operators<V> = EqualityOperators<V> &
  ([V] extends [string]
    ? RangeOperators<string> & { readonly $startsWith?: string }
    : [V] extends [number]
      ? RangeOperators<number>
      : [V] extends [Point]
        ? GeoOperators
        : [V] extends [readonly (infer Item)[]]
          ? ArrayOperators<Item>
          : unknown)

interface EqualityOperators<V> {
  readonly $eq?: V | null
  readonly $ne?: V | null
  readonly $in?: readonly (V | null)[]
  readonly $nin?: readonly (V | null)[]
  readonly $exists?: boolean
  readonly $not?: Operators<V>
}

/** Compare within one type only: numbers as numbers, strings by code point, which for timestamps is by time. */
interface RangeOperators<V> {
  readonly $gt?: V
  readonly $gte?: V
  readonly $lt?: V
  readonly $lte?: V
}

interface ArrayOperators<Item> {
  readonly $contains?: Item
  readonly $containsAll?: readonly Item[]
  readonly $containsAny?: readonly Item[]
}

type Place = Point | readonly [longitude: number, latitude: number]

interface GeoOperators {
  /** Sorts by distance, nearest first. Metres. */
  readonly $near?: { readonly point: Place; readonly maxDistance?: number }
  /** Metres. */
  readonly $withinRadius?: { readonly center: Place; readonly radius: number }
  /** Degrees; a west greater than east crosses the antimeridian. */
  readonly $withinBox?: readonly [west: number, south: number, east: number, north: number]
}

/**
 * Refuses `undefined` inside a filter: JSON would drop that condition in silence,
 * and the query would match more than was asked.
 */
export function refuseUndefined(value: unknown, path: string): void {
  if (value === undefined) throw new TypeError(`${path} is undefined; use null to ask for a missing field`)
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) refuseUndefined(inner, `${path}.${key}`)
}
