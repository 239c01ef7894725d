import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compilePredicate } from '../../src/query/compile-predicate.ts'
import type { JsonObject } from '../../src/query/json.ts'
import { parseFilter } from '../../src/query/parse-filter.ts'
import { parseRule } from '../../src/query/parse-rule.ts'
import { bindVariables } from '../../src/query/bind-variables.ts'
import { splitCondition } from '../../src/query/split-condition.ts'
import { accessTermOf } from '../../src/realtime/live/access-term.ts'
import { InterestIndex } from '../../src/realtime/live/interest-index.ts'
import { type LoggedChange, LoggedDocument } from '../../src/realtime/live/logged-change.ts'

const scalar = fc.constantFrom<string | number | boolean | null>('a', 'b', 1, 0, -0, true, null, 'null', '1')

const filterArbitrary = fc.oneof(
  fc.record({ x: scalar }),
  fc.record({ x: fc.record({ $in: fc.array(scalar, { minLength: 1, maxLength: 3 }) }) }),
  fc.record({ tags: fc.record({ $contains: scalar }) }),
  fc.record({ x: scalar, tags: fc.record({ $contains: scalar }) }),
  fc.record({ 'y.z': scalar }),
  fc.record({ $or: fc.tuple(fc.record({ x: scalar }), fc.record({ 'y.z': scalar })) }),
  fc.record({ $or: fc.tuple(fc.record({ x: scalar }), fc.record({ x: scalar })) }),
  fc.record({ x: fc.record({ $ne: scalar }) }),
  fc.record({ id: fc.constantFrom('doc', 'other') }),
  fc.constant({}),
)

const documentArbitrary = fc.record(
  {
    x: fc.oneof(scalar, fc.constant([1]), fc.constant({ a: 1 })),
    tags: fc.oneof(fc.array(scalar), scalar),
    y: fc.record({ z: scalar }),
  },
  { requiredKeys: [] },
)

function change(before: JsonObject | null, after: JsonObject | null): LoggedChange {
  const logged = (data: JsonObject): LoggedDocument =>
    new LoggedDocument({ id: 'doc', data: JSON.stringify(data), version: 1, createdAt: '', updatedAt: '' })
  return {
    seq: 1,
    collection: 'posts',
    id: 'doc',
    before: before && logged(before),
    after: after && logged(after),
    bytes: 0,
  }
}

test('an index finds everybody whom a change concerns, by the document before or after', () => {
  fc.assert(
    fc.property(
      fc.array(filterArbitrary, { maxLength: 12 }),
      fc.option(documentArbitrary),
      fc.option(documentArbitrary),
      (filters, before, after) => {
        const index = new InterestIndex<number>()
        const conditions = filters.map((filter) => parseFilter(filter))
        conditions.forEach((condition, n) => index.add('posts', accessTermOf(condition), n))
        const event = change(before as JsonObject | null, after as JsonObject | null)
        const found = index.find(event)
        conditions.forEach((condition, n) => {
          const { evaluate } = compilePredicate(condition)
          const concerns = [event.before, event.after].some(
            (side) => side !== null && evaluate({ doc: side.object }),
          )
          if (concerns) expect(found).toContain(n)
        })
        conditions.forEach((condition, n) => index.remove('posts', accessTermOf(condition), n))
        expect(index.find(event).size).toBe(0)
      },
    ),
  )
})

test('an index does not ask those whose values are others', () => {
  const index = new InterestIndex<string>()
  index.add('posts', accessTermOf(parseFilter({ room: 'a' })), 'a')
  index.add('posts', accessTermOf(parseFilter({ room: 'b' })), 'b')
  index.add('other', undefined, 'other')
  const mine = bindVariables(parseRule('auth.uid in doc.members', { path: 'rules.list' }), {
    auth: { uid: 'ada' },
  })
  index.add('posts', accessTermOf(mine), 'ada')
  expect([...index.find(change({ room: 'a' }, null))]).toEqual(['a'])
  expect([...index.find(change({ room: 'a' }, { room: 'b', members: ['bob'] }))].sort()).toEqual(['a', 'b'])
  expect([...index.find(change(null, { members: ['ada'] }))]).toEqual(['ada'])
})

test('a condition is split into what the document decides and what else it looks at', () => {
  const rule = parseRule(
    "doc.public == true && exists('members', {'room': doc.room, 'user': auth.uid}) && get('rooms', 'lobby').open == true",
    { path: 'rules.list' },
  )
  const { own, isWhole, dependencies } = splitCondition(
    bindVariables(rule, { auth: { uid: 'ada' }, request: {} }),
  )
  expect(isWhole).toBe(false)
  expect(compilePredicate(own).evaluate({ doc: { public: true } })).toBe(true)
  expect(compilePredicate(own).evaluate({ doc: { public: false } })).toBe(false)
  const [members, rooms] = dependencies
  expect(members?.collection).toBe('members')
  expect(compilePredicate(members!.filter).evaluate({ doc: { room: 'any', user: 'ada' } })).toBe(true)
  expect(compilePredicate(members!.filter).evaluate({ doc: { room: 'any', user: 'bob' } })).toBe(false)
  expect(compilePredicate(rooms!.filter).evaluate({ doc: { id: 'lobby' } })).toBe(true)
  expect(compilePredicate(rooms!.filter).evaluate({ doc: { id: 'hall' } })).toBe(false)
})
