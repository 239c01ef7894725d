import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/platform/errors.ts'
import type { Issue } from '../../src/platform/errors.ts'
import { compilePredicate } from '../../src/query/compile-predicate.ts'
import { parseFilter } from '../../src/query/parse-filter.ts'
import { fieldPaths } from '../../src/query/walk-expression.ts'
import { toSql } from '../../src/query/to-sql.ts'
import { contextFor } from './query-database.ts'

function faults(filter: unknown): Issue[] {
  try {
    parseFilter(filter)
    return []
  } catch (error) {
    if (error instanceof ApiError && error.status === 400) return error.errors
    throw error
  }
}

function nested(depth: number): unknown {
  return depth === 0 ? { a: 1 } : { $and: [nested(depth - 1)] }
}

describe('a filter', () => {
  const doc = {
    id: 'd1',
    votes: 10,
    title: 'Über',
    tags: ['a', { x: 1 }, null],
    address: { city: 'Ulm', zip: null },
    nothing: null,
  }

  it.each<[unknown, boolean]>([
    [undefined, true],
    [{}, true],
    [{ votes: 10 }, true],
    [{ votes: '10' }, false],
    [{ votes: { $gte: 10, $lt: 11 } }, true],
    [{ votes: { $gt: 'a' } }, false],
    [{ votes: { $ne: 9 } }, true],
    [{ missing: null }, true],
    [{ nothing: null }, true],
    [{ missing: { $ne: 1 } }, true],
    [{ missing: { $lt: 1 } }, false],
    [{ missing: { $exists: false } }, true],
    [{ nothing: { $exists: true } }, false],
    [{ votes: { $exists: true } }, true],
    [{ 'address.city': 'Ulm' }, true],
    [{ address: { city: 'Ulm', zip: null } }, true],
    [{ address: { city: 'Ulm' } }, false],
    [{ address: { $eq: { zip: null, city: 'Ulm' } } }, true],
    [{ title: { $startsWith: 'Üb' } }, true],
    [{ title: { $startsWith: 'b' } }, false],
    [{ tags: { $contains: 'a' } }, true],
    [{ tags: { $contains: { x: 1 } } }, true],
    [{ tags: { $contains: {} } }, false],
    [{ tags: { $contains: null } }, true],
    [{ title: { $contains: 'Über' } }, false],
    [{ tags: { $containsAny: ['b', 'a'] } }, true],
    [{ tags: { $containsAll: ['b', 'a'] } }, false],
    [{ tags: { $containsAny: [] } }, false],
    [{ votes: { $in: [1, 10] } }, true],
    [{ missing: { $in: [null] } }, true],
    [{ votes: { $nin: [1, 10] } }, false],
    [{ votes: { $in: [] } }, false],
    [{ votes: { $not: { $gt: 3 } } }, false],
    [{ missing: { $not: { $gt: 3 } } }, true],
    [{ $not: { votes: 10, title: 'x' } }, true],
    [{ $or: [{ votes: 1 }, { title: 'Über' }] }, true],
    [{ $and: [{ votes: 10 }, { title: 'x' }] }, false],
    [{ 'tags.0': 'a' }, false],
    [{ tags: {} }, false],
  ])('%j matches: %j', (filter, expected) => {
    expect(compilePredicate(parseFilter(filter)).evaluate({ doc })).toBe(expected)
  })

  it.each<[unknown, string, string]>([
    ['text', 'where', 'wrong_type'],
    [null, 'where', 'wrong_type'],
    [[], 'where', 'wrong_type'],
    [{ votes: { $gte: null } }, 'where.votes.$gte', 'wrong_type'],
    [{ votes: { $gte: { a: 1 } } }, 'where.votes.$gte', 'wrong_type'],
    [{ votes: { $regex: '.*' } }, 'where.votes.$regex', 'unknown_operator'],
    [{ $where: '1' }, 'where.$where', 'unknown_operator'],
    [{ votes: { $gt: 1, x: 2 } }, 'where.votes.x', 'mixed_operators'],
    [{ votes: { $in: 'abc' } }, 'where.votes.$in', 'wrong_type'],
    [{ votes: { $exists: 1 } }, 'where.votes.$exists', 'wrong_type'],
    [{ title: { $startsWith: 1 } }, 'where.title.$startsWith', 'wrong_type'],
    [{ votes: { $not: 3 } }, 'where.votes.$not', 'wrong_type'],
    [{ $and: [] }, 'where.$and', 'wrong_type'],
    [{ $or: {} }, 'where.$or', 'wrong_type'],
    [{ $or: [{ a: 1 }, 7] }, 'where.$or[1]', 'wrong_type'],
    [{ 'a..b': 1 }, 'where.a..b', 'invalid_path'],
    [{ '': 1 }, 'where.', 'invalid_path'],
    [{ _hidden: 1 }, 'where._hidden', 'invalid_path'],
    [{ 'a.constructor': 1 }, 'where.a.constructor', 'invalid_path'],
    [JSON.parse('{"__proto__": 1}'), 'where.__proto__', 'invalid_path'],
    [{ 'a.b.c.d.e.f.g.h.i': 1 }, 'where.a.b.c.d.e.f.g.h.i', 'invalid_path'],
    [{ 'a\0': 1 }, 'where.a\0', 'invalid_path'],
    [{ title: 'a\0' }, 'where.title', 'invalid_value'],
    [{ title: '\ud800' }, 'where.title', 'invalid_value'],
    [{ title: { $in: ['a', '\0'] } }, 'where.title.$in[1]', 'invalid_value'],
    [{ title: { a: ['\0'] } }, 'where.title', 'invalid_value'],
    [{ title: 'x'.repeat(8193) }, 'where.title', 'invalid_value'],
    [{ votes: Number.NaN }, 'where.votes', 'invalid_value'],
    [{ $search: 7 }, 'where.$search', 'wrong_type'],
    [{ $or: [{ $search: 'a' }] }, 'where.$or[0].$search', 'not_allowed_here'],
    [{ $not: { $search: 'a' } }, 'where.$not.$search', 'not_allowed_here'],
    [{ $or: [{ spot: { $near: [1, 2] } }] }, 'where.$or[0].spot.$near', 'not_allowed_here'],
    [{ spot: { $not: { $near: [1, 2] } } }, 'where.spot.$not.$near', 'not_allowed_here'],
    [{ a: { $near: [1, 2] }, b: { $near: [1, 2] } }, 'where.b.$near', 'not_allowed_here'],
    [{ spot: { $near: [200, 2] } }, 'where.spot.$near', 'invalid_value'],
    [{ spot: { $near: 7 } }, 'where.spot.$near', 'wrong_type'],
    [{ spot: { $near: { point: [200, 2] } } }, 'where.spot.$near.point', 'invalid_value'],
    [
      { spot: { $near: { point: [20, 2], maxDistance: -1 } } },
      'where.spot.$near.maxDistance',
      'invalid_value',
    ],
    [{ spot: { $near: { point: [20, 2], far: 1 } } }, 'where.spot.$near.far', 'unknown_field'],
    [{ spot: { $withinRadius: { center: [0, 0] } } }, 'where.spot.$withinRadius.radius', 'invalid_value'],
    [{ spot: { $withinBox: [0, 10, 1, 0] } }, 'where.spot.$withinBox', 'invalid_value'],
    [{ spot: { $withinBox: [0, 0, 1] } }, 'where.spot.$withinBox', 'invalid_value'],
  ])('%j is refused at %s as %s', (filter, path, code) => {
    expect(faults(filter)).toEqual([{ path, code, message: expect.any(String) as string }])
  })

  it('tells every fault at once', () => {
    const filter = { votes: { $gte: null }, _x: 1, $or: [{ a: { $bad: 1 } }, 5] }
    expect(faults(filter).map(({ path }) => path)).toEqual([
      'where.votes.$gte',
      'where._x',
      'where.$or[0].a.$bad',
      'where.$or[1]',
    ])
  })

  it('is nested at most 8 deep', () => {
    expect(faults(nested(8))).toEqual([])
    expect(faults(nested(9)).map(({ code }) => code)).toEqual(['too_deep'])
    expect(faults(nested(5000)).map(({ code }) => code)).toEqual(['too_deep'])
  })

  it('has at most 64 terms', () => {
    const terms = (count: number): unknown => ({ $or: Array.from({ length: count }, () => ({ a: 1 })) })
    expect(faults(terms(64))).toEqual([])
    expect(faults(terms(65)).map(({ code }) => code)).toEqual(['too_many_terms'])
    expect(faults({ $or: Array.from({ length: 65 }, () => ({})) }).map(({ code }) => code)).toEqual([
      'too_many_terms',
    ])
    expect(faults({ a: { $containsAny: Array.from({ length: 256 }, (_, index) => index) } })).toEqual([])
  })

  it('takes at most 256 values in a list', () => {
    const values = (length: number): unknown => ({ a: { $in: Array.from({ length }, (_, index) => index) } })
    expect(faults(values(256))).toEqual([])
    expect(faults(values(257)).map(({ code }) => code)).toEqual(['too_many_values'])
  })

  it('takes a value nested 20 deep, not deeper', () => {
    const value = (depth: number): unknown => (depth === 0 ? 1 : [value(depth - 1)])
    expect(faults({ a: value(20) })).toEqual([])
    expect(faults({ a: value(21) }).map(({ code }) => code)).toEqual(['invalid_value'])
  })

  it('names the fields that it looks at', () => {
    const filter = parseFilter({
      $search: 'x',
      'a.b': 1,
      $or: [{ c: { $in: [1] } }, { spot: { $withinBox: [0, 0, 1, 1] } }],
    })
    const search = { fields: [['title']], language: 'english' }
    expect(fieldPaths(filter, search)).toEqual([['title'], ['a', 'b'], ['c'], ['spot']])
  })
})

describe('a full-text search', () => {
  it('is refused without a search index', () => {
    expect(() => toSql(parseFilter({ $search: 'a' }), contextFor())).toThrow(
      expect.objectContaining({
        errors: [expect.objectContaining({ path: 'where.$search', code: 'index_required' })],
      }),
    )
  })

  it('is refused in JavaScript, which has none', () => {
    expect(() => compilePredicate(parseFilter({ $search: 'a' }))).toThrow(
      expect.objectContaining({
        errors: [expect.objectContaining({ path: 'where.$search', code: 'not_available' })],
      }),
    )
  })
})
