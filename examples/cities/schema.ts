import { collection, defineSchema, integer, point, reference, string } from '@basalt/client'

/** An atlas that everybody may read, and a guest book that everybody may write in. */
export const schema = defineSchema({
  collections: {
    countries: collection({ name: string() }, { rules: { read: 'true', list: 'true' } }),
    cities: collection(
      {
        cityId: integer({ minimum: 1 }),
        name: string({ minLength: 1 }),
        altName: string(),
        country: reference('countries'),
        featureCode: string(),
        adminCode: string(),
        population: integer({ minimum: 0 }),
        loc: point(),
        muni: string().optional(),
        muniSub: string().optional(),
      },
      {
        indexes: [
          { fields: ['cityId'], unique: true },
          { fields: ['population'] },
          { fields: ['country', 'population'] },
          { fields: ['name'] },
          { type: 'search', fields: ['name', 'altName'] },
          { type: 'geo', fields: ['loc'] },
        ],
        rules: { read: 'true', list: 'true' },
      },
    ),
    visits: collection(
      { city: reference('cities') },
      { rules: { list: 'true', create: "exists('cities', {'id': doc.city})" } },
    ),
    tallies: collection(
      { visits: integer({ minimum: 0 }) },
      { rules: { read: 'true', update: 'doc.visits == before.visits + 1' } },
    ),
  },
})
