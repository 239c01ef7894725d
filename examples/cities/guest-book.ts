import { type Basalt, BasaltError } from '@basalt/client'
import type { Question } from './questions.ts'
import type { schema } from './schema.ts'

const reykjavik = '3413829'

/** What visitors do: they sign the guest book, and the tally grows by one with each entry or not at all. */
export function guestBook(visitor: Basalt<typeof schema>, visitsBefore: number): Question[] {
  const sign = (city: string): Promise<unknown> =>
    visitor.transaction((tx) => {
      tx.create('visits', { city })
      tx.update('tallies', reykjavik, { visits: { $increment: 1 } })
    })
  const counts = async (): Promise<object> => ({
    visits: await visitor.collection('visits').where({ city: reykjavik }).count(),
    tally: (await visitor.collection('tallies').get(reykjavik)).visits,
  })
  const after = visitsBefore + 30
  return [
    {
      text: 'Do thirty visitors at once leave thirty entries and a tally of thirty?',
      async ask() {
        await Promise.all(Array.from({ length: 30 }, () => sign(reykjavik)))
        return counts()
      },
      check: () => ({ visits: after, tally: after }),
    },
    {
      text: 'Does a visit to nowhere leave nothing, and may visitors change the atlas or the tally?',
      async ask() {
        const refusals = [
          await codeOf(sign('atlantis')),
          await codeOf(visitor.collection('cities').update(reykjavik, { population: 0 })),
          await codeOf(visitor.collection('tallies').update(reykjavik, { visits: 1_000_000 })),
          await codeOf(visitor.changes().next()),
        ]
        return { refusals, ...(await counts()) }
      },
      check: () => ({
        refusals: ['forbidden', 'forbidden', 'forbidden', 'forbidden'],
        visits: after,
        tally: after,
      }),
    },
  ]
}

/** Makes sure that there is a tally to grow, and tells how many visits there were. */
export async function openGuestBook(server: Basalt<typeof schema>): Promise<number> {
  const tallies = server.collection('tallies')
  try {
    return (await tallies.get(reykjavik)).visits
  } catch (error) {
    if (!(error instanceof BasaltError && error.code === 'not_found')) throw error
    return (await tallies.create({ id: reykjavik, visits: 0 })).visits
  }
}

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt
    return 'allowed'
  } catch (error) {
    if (error instanceof BasaltError) return error.code
    throw error
  }
}
