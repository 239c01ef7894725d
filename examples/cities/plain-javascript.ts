import { type City, cities } from './atlas.ts'

/** What the answers are checked against: loops over the file, with nothing in common with the server. */

type Order<T> = (a: T, b: T) => number

export function by<T>(...values: ((item: T) => string | number)[]): Order<T> {
  return (a, b) => {
    for (const value of values) {
      const [x, y] = [value(a), value(b)]
      if (x !== y) return x < y ? -1 : 1
    }
    return 0
  }
}

export function descending<T>(order: Order<T>): Order<T> {
  return (a, b) => order(b, a)
}

export const byPopulation = by<City>(
  ({ population }) => population,
  ({ id }) => id,
)

export function namesOf(found: readonly { readonly name: string }[]): string[] {
  return found.map(({ name }) => name)
}

/** Metres along the great circle, by the haversine formula on the mean radius of the earth (IUGG). */
export function distanceTo(longitude: number, latitude: number): (city: City) => number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180
  return ({ loc }) => {
    const [cityLongitude, cityLatitude] = loc.coordinates
    const across = Math.sin(radians(cityLongitude - longitude) / 2)
    const along = Math.sin(radians(cityLatitude - latitude) / 2)
    const cosines = Math.cos(radians(latitude)) * Math.cos(radians(cityLatitude))
    return 2 * 6_371_008.8 * Math.asin(Math.sqrt(along ** 2 + cosines * across ** 2))
  }
}

export function isIn(
  [west, south, east, north]: readonly [number, number, number, number],
  { loc }: City,
): boolean {
  const [longitude, latitude] = loc.coordinates
  const isBetween =
    west <= east ? longitude >= west && longitude <= east : longitude >= west || longitude <= east
  return isBetween && latitude >= south && latitude <= north
}

/** The words of a city's names, as a search without a language sees them. */
export function wordsOf({ name, altName }: City): string[] {
  return `${name} ${altName}`.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
}

export function groupedBy(key: (city: City) => string): [key: string, members: City[]][] {
  return [...Map.groupBy(cities, key)]
}

export function sum(members: readonly City[]): number {
  return members.reduce((total, { population }) => total + population, 0)
}
