import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  diffLists,
  type EarlierState,
  type Entry,
  type ListChange,
  ListWindow,
  type PlacedDocument,
  rewindList,
} from '../../src/realtime/live/list-window.ts'

/** Documents by id: what they are sorted by, and their version. Those without are not in the list. */
type State = ReadonlyMap<string, { key: number; version: number }>

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

function compare(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  return Number(a[0]) - Number(b[0]) || (String(a[1]) < String(b[1]) ? -1 : Number(a[1] !== b[1]))
}

function place(id: string, { key, version }: { key: number; version: number }): PlacedDocument {
  const document = { id, data: '{}', version, createdAt: '', updatedAt: '' }
  return { entry: { id, keys: [key, id], mark: String(version) }, document }
}

function listOf(state: State, limit: number): PlacedDocument[] {
  return [...state]
    .map(([id, document]) => place(id, document))
    .sort((a, b) => compare(a.entry.keys, b.entry.keys))
    .slice(0, limit)
}

/** What a client does with the steps. */
function take(list: readonly string[], changes: readonly ListChange[]): string[] {
  const now = [...list]
  for (const change of changes) {
    const id = change.kind === 'removed' ? change.id : change.document.id
    const at = now.findIndex((shown) => shown.startsWith(`${id}:`))
    if ((at === -1) !== (change.kind === 'added')) throw new Error(`${change.kind} of ${id}`)
    if (at !== -1) now.splice(at, 1)
    if (change.kind !== 'removed') now.splice(change.index, 0, `${id}:${change.document.version}`)
  }
  return now
}

function shown(list: readonly PlacedDocument[]): string[] {
  return list.map(({ document }) => `${document.id}:${document.version}`)
}

const stateArbitrary: fc.Arbitrary<State> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...ids), fc.integer({ min: 0, max: 4 })), { selector: ([id]) => id })
  .map((entries) => new Map(entries.map(([id, key]) => [id, { key, version: 1 }])))

const writeArbitrary = fc.record({
  id: fc.constantFrom(...ids),
  key: fc.option(fc.integer({ min: 0, max: 4 }), { nil: null }),
})

const limitArbitrary = fc.integer({ min: 1, max: 6 })

function write(state: State, { id, key }: { id: string; key: number | null }): State {
  const next = new Map(state)
  if (key === null) next.delete(id)
  else next.set(id, { key, version: (state.get(id)?.version ?? 0) + 1 })
  return next
}

describe('a window of a list', () => {
  test('takes changes one by one to what the list is then, or asks for the list', () => {
    fc.assert(
      fc.property(
        stateArbitrary,
        fc.array(writeArbitrary, { maxLength: 30 }),
        limitArbitrary,
        (start, writes, limit) => {
          let state = start
          const open = (): ListWindow =>
            new ListWindow(
              compare,
              limit,
              listOf(state, limit).map(({ entry }) => entry),
              state.size > limit,
            )
          let window = open()
          let list = shown(listOf(state, limit))
          for (const each of writes) {
            state = write(state, each)
            const document = state.get(each.id)
            const changes = window.apply(each.id, document === undefined ? null : place(each.id, document))
            if (changes === undefined) {
              // A document that nobody here knows has moved up: that takes a window with something behind it.
              expect(list).toHaveLength(limit)
              list = take(list, diffLists(window.entries, listOf(state, limit)))
              window = open()
            } else {
              list = take(list, changes)
            }
            expect(list).toEqual(shown(listOf(state, limit)))
            expect(window.entries.map(({ id, mark }) => `${id}:${mark}`)).toEqual(list)
          }
        },
      ),
    )
  })

  test('is asked for anew only when a document may move up', () => {
    const entries = ['a', 'b'].map((id, key) => place(id, { key, version: 1 }).entry)
    const full = new ListWindow(compare, 2, [...entries], true)
    expect(full.apply('x', null)).toEqual([])
    expect(full.apply('x', place('x', { key: 5, version: 1 }))).toEqual([])
    expect(full.apply('b', place('b', { key: 0, version: 2 }))).toMatchObject([{ kind: 'changed', index: 1 }])
    expect(full.apply('b', place('b', { key: 9, version: 3 }))).toBeUndefined()
    expect(full.apply('a', null)).toBeUndefined()
  })
})

test('the difference of two lists leads from the one to the other', () => {
  fc.assert(
    fc.property(
      stateArbitrary,
      fc.array(writeArbitrary, { maxLength: 12 }),
      limitArbitrary,
      (start, writes, limit) => {
        const end = writes.reduce(write, start)
        const [from, to] = [listOf(start, limit), listOf(end, limit)]
        const changes = diffLists(
          from.map(({ entry }) => entry),
          to,
        )
        expect(take(shown(from), changes)).toEqual(shown(to))
        const before = new Map(from.map(({ entry }) => [entry.id, entry.mark]))
        if (shown(from).join() === shown(to).join()) expect(changes).toEqual([])
        // Nothing is removed that stays.
        for (const change of changes) {
          if (change.kind === 'removed') expect(to.map(({ entry }) => entry.id)).not.toContain(change.id)
          else expect(before.has(change.document.id)).toBe(change.kind === 'changed')
        }
      },
    ),
  )
})

test('a list is rewound to what it was before some changes, from what stands now', () => {
  fc.assert(
    fc.property(
      stateArbitrary,
      fc.array(writeArbitrary, { maxLength: 12 }),
      limitArbitrary,
      fc.integer({ min: 0, max: 12 }),
      (start, writes, limit, extra) => {
        const states = new Map<string, EarlierState>()
        let now = start
        for (const each of writes) {
          const before = now.get(each.id)
          if (!states.has(each.id)) {
            states.set(each.id, { id: each.id, before: before === undefined ? null : place(each.id, before) })
          }
          now = write(now, each)
        }
        const entries: Entry[] = listOf(now, limit + extra).map(({ entry }) => entry)
        const isAll = now.size <= limit + extra
        const rewound = rewindList(entries, isAll, states, compare, limit)
        const expected = listOf(start, limit).map(({ entry }) => `${entry.id}:${entry.mark}`)
        if (rewound !== undefined) expect(rewound.map(({ id, mark }) => `${id}:${mark}`)).toEqual(expected)
        else expect(extra).toBeLessThan(states.size)
      },
    ),
  )
})
