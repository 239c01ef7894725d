import type { Basalt, CollectionClient } from '@basalt/client'
import { type City, cities, countries } from './atlas.ts'
import { by, byPopulation, descending, distanceTo, groupedBy, isIn, namesOf } from './plain-javascript.ts'
import { sum, wordsOf } from './plain-javascript.ts'
import type { schema } from './schema.ts'

export interface Question {
  readonly text: string
  /** The server's answer. */
  readonly ask: () => Promise<unknown>
  /** The same, found by plain JavaScript. */
  readonly check: () => unknown
}

/** What visitors of the atlas want to know. */
export function questions(atlas: Basalt<typeof schema>): Question[] {
  const all = atlas.collection('cities')
  return [...aboutSizes(all), ...aboutPlaces(all), ...aboutNames(all), ...aboutAll(all)]
}

type Cities = CollectionClient<typeof schema, 'cities'>

function aboutSizes(all: Cities): Question[] {
  const largest = cities.toSorted(descending(byPopulation))
  const isMetropolis = ({ country, population, featureCode }: City): boolean =>
    (population >= 1_000_000 && ['CN', 'IN', 'US'].includes(country)) || featureCode === 'PPLC'
  return [
    {
      text: 'Which are the ten largest cities, and in which countries?',
      async ask() {
        const { documents } = await all.orderBy('-population').limit(10).include('country').find()
        return documents.map(({ name, country }) => `${name}, ${country?.name}`)
      },
      check: () =>
        largest
          .slice(0, 10)
          .map(({ name, country }) => `${name}, ${countries.find(({ id }) => id === country)?.name}`),
    },
    {
      text: 'Which are the largest cities of Brazil?',
      async ask() {
        const brazil = all.where({ country: 'BR' }).orderBy('-population').limit(25).select('name')
        return namesOf((await brazil.find()).documents)
      },
      check: () => namesOf(largest.filter(({ country }) => country === 'BR').slice(0, 25)),
    },
    {
      text: 'How many are metropolises of China, India or the United States, or a capital?',
      ask: () =>
        all
          .where({
            $or: [
              { population: { $gte: 1_000_000 }, country: { $in: ['CN', 'IN', 'US'] } },
              { featureCode: 'PPLC' },
            ],
          })
          .count(),
      check: () => cities.filter(isMetropolis).length,
    },
    {
      text: 'In which countries do more than 50 million people live in cities?',
      ask: () =>
        all.aggregate({
          groupBy: ['country'],
          select: {
            cities: { $count: true },
            people: { $sum: 'population' },
            largest: { $max: 'population' },
            smallest: { $min: 'population' },
          },
          having: { people: { $gt: 50_000_000 } },
          sort: ['-people'],
        }),
      check: () =>
        groupedBy(({ country }) => country)
          .map(([country, members]) => {
            const sizes = members.map(({ population }) => population)
            const [largestSize, smallest] = [Math.max(...sizes), Math.min(...sizes)]
            return { country, cities: members.length, people: sum(members), largest: largestSize, smallest }
          })
          .filter(({ people }) => people > 50_000_000)
          .toSorted(descending(by(({ people }) => people))),
    },
    {
      text: 'How large is the average city of each country in the south of America?',
      async ask() {
        const where = { country: { $in: ['AR', 'BO', 'CL', 'PE', 'PY', 'UY'] } }
        const select = { average: { $avg: 'population' } } as const
        const groups = await all.where(where).aggregate({ groupBy: ['country'], select, sort: ['country'] })
        return groups.map(({ country, average }) => `${country} ${average?.toFixed(6)}`)
      },
      check: () =>
        ['AR', 'BO', 'CL', 'PE', 'PY', 'UY'].map((code) => {
          const members = cities.filter(({ country }) => country === code)
          return `${code} ${(sum(members) / members.length).toFixed(6)}`
        }),
    },
  ]
}

function aboutPlaces(all: Cities): Question[] {
  const fiji = [176, -20, -178, -15] as const
  return [
    {
      text: 'Which 60 cities are nearest to the Brandenburg Gate? (in pages of 20)',
      async ask() {
        const nearest = all.where({ loc: { $near: { point: [13.3777, 52.5163] } } }).limit(20)
        const found: string[] = []
        for await (const { name } of nearest.select('name')) if (found.push(name) === 60) break
        return found
      },
      check: () => namesOf(cities.toSorted(by(distanceTo(13.3777, 52.5163), ({ id }) => id)).slice(0, 60)),
    },
    {
      text: 'Which cities lie within 30 km of the Eiffel Tower?',
      async ask() {
        const radius = { $withinRadius: { center: [2.2945, 48.8584], radius: 30_000 } } as const
        const { documents } = await all.where({ loc: radius }).orderBy('-population').limit(500).find()
        return namesOf(documents)
      },
      check() {
        const distance = distanceTo(2.2945, 48.8584)
        const around = cities.filter((city) => distance(city) <= 30_000)
        return namesOf(around.toSorted(descending(byPopulation)))
      },
    },
    {
      text: 'Which cities lie around Fiji, on both sides of the antimeridian?',
      async ask() {
        const { documents } = await all
          .where({ loc: { $withinBox: fiji } })
          .orderBy('name')
          .find()
        return namesOf(documents)
      },
      check: () =>
        namesOf(
          cities
            .filter((city) => isIn(fiji, city))
            .toSorted(
              by(
                ({ name }) => name,
                ({ id }) => id,
              ),
            ),
        ),
    },
  ]
}

function aboutNames(all: Cities): Question[] {
  return [
    {
      text: 'Which cities have "Santa" and "Cruz" in their names?',
      async ask() {
        const { documents } = await all
          .where({ $search: 'santa cruz' })
          .orderBy('-population')
          .limit(500)
          .find()
        return namesOf(documents)
      },
      check() {
        const found = cities.filter((city) => ['santa', 'cruz'].every((word) => wordsOf(city).includes(word)))
        return namesOf(found.toSorted(descending(byPopulation)))
      },
    },
    {
      text: 'Whose names begin with "Newc"?',
      async ask() {
        const { documents } = await all
          .where({ name: { $startsWith: 'Newc' } })
          .orderBy('name')
          .find()
        return documents.map(({ name, country }) => `${name} ${country}`)
      },
      check: () =>
        cities
          .filter(({ name }) => name.startsWith('Newc'))
          .toSorted(
            by(
              ({ name }) => name,
              ({ id }) => id,
            ),
          )
          .map(({ name, country }) => `${name} ${country}`),
    },
    {
      text: 'Which names are borne by more than 40 cities?',
      ask: () =>
        all.aggregate({
          groupBy: ['name'],
          select: { cities: { $count: true } },
          having: { cities: { $gt: 40 } },
          sort: ['-cities', 'name'],
        }),
      check: () =>
        groupedBy(({ name }) => name)
          .map(([name, members]) => ({ name, cities: members.length }))
          .filter((group) => group.cities > 40)
          .toSorted(
            by(
              (group) => -group.cities,
              ({ name }) => name,
            ),
          ),
    },
    {
      text: 'How many different names, countries and kinds of places are there?',
      ask: () =>
        all.aggregate({
          select: {
            names: { $countDistinct: 'name' },
            countries: { $countDistinct: 'country' },
            kinds: { $countDistinct: 'featureCode' },
          },
        }),
      check: () => [
        {
          names: new Set(namesOf(cities)).size,
          countries: countries.length,
          kinds: new Set(cities.map(({ featureCode }) => featureCode)).size,
        },
      ],
    },
  ]
}

function aboutAll(all: Cities): Question[] {
  return [
    {
      text: 'What are the names of all the cities, in order? (in pages of 500)',
      async ask() {
        const found: string[] = []
        for await (const { id, name } of all.orderBy('name').limit(500).select('name'))
          found.push(`${name} ${id}`)
        return found
      },
      check: () =>
        cities
          .toSorted(
            by(
              ({ name }) => name,
              ({ id }) => id,
            ),
          )
          .map(({ id, name }) => `${name} ${id}`),
    },
  ]
}
