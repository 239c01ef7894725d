import fc from 'fast-check'

const awkwardTexts = [
  '',
  'a',
  'n',
  's',
  'u',
  'id',
  'version',
  'createdAt',
  'hidden',
  'other',
  'a.b',
  '-n',
  'one',
  'things',
  'others',
  '*',
  '\0',
  'x\0y',
  '\ud800',
  '😀',
  '__proto__',
  'constructor',
  'toString',
  '$where',
  '_x',
  'a..b',
  '.',
  ',',
  "'",
  '"',
  ';--',
  '%00',
  '../..',
  '1e999',
  'null',
  'NaN',
  'true',
  'eyJ9',
  'x'.repeat(300),
  '\u2028',
  '\ufffe',
]
const operators = [
  '$eq',
  '$ne',
  '$gt',
  '$gte',
  '$lt',
  '$lte',
  '$in',
  '$nin',
  '$exists',
  '$startsWith',
  '$contains',
  '$containsAny',
  '$containsAll',
  '$near',
  '$withinRadius',
  '$withinBox',
  '$search',
  '$and',
  '$or',
  '$not',
  '$increment',
  '$append',
  '$remove',
  '$addUnique',
  '$min',
  '$max',
  '$now',
  '$unset',
  '$count',
  '$sum',
  '$avg',
  '$countDistinct',
  '$',
]
const words = [
  'where',
  'sort',
  'limit',
  'after',
  'fields',
  'include',
  'count',
  'groupBy',
  'select',
  'having',
  'operations',
  'op',
  'collection',
  'data',
  'ifVersion',
  'create',
  'update',
  'replace',
  'delete',
  'check',
  'point',
  'center',
  'radius',
  'coordinates',
  'type',
  'Point',
  'action',
  'actor',
  'uid',
  'list',
  'text',
  'at',
]
/** Texts that something might stumble over: names, operators, characters, pieces of other languages. */
export const text = fc.oneof(
  fc.constantFrom(...awkwardTexts),
  fc.constantFrom(...words),
  fc.string({ unit: 'binary', maxLength: 6 }),
)
const scalar = fc.oneof(
  text,
  fc.constantFrom(null, true, false, 0, -0, 1, -1, 1.5, 1e308, -1e308, 5e-324, 2 ** 53, 1e21),
)
const key = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('n', 's', 'u', 'a', 'a.b', 'at', 'list', 'other', 'id', 'hidden') },
  { weight: 3, arbitrary: fc.constantFrom(...operators) },
  { weight: 1, arbitrary: text },
)
export const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))
export const object = fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true })
const field = fc.constantFrom('n', 's', 'u', 'a', 'a.b', 'at', 'list', 'other', 'id', 'version', 'createdAt')
const plain = fc.constantFrom<unknown>(null, true, 0, 1, 2.5, -1e308, 'a', 'one', '😀', '', [1], { b: 1 }, [])
const place = fc.oneof(
  fc.tuple(fc.double({ min: -180, max: 180 }), fc.double({ min: -90, max: 90 })),
  fc.constant({ type: 'Point', coordinates: [180, -90] }),
)
const metres = fc.oneof(fc.double({ min: 0, max: 1e8, noNaN: true }), fc.constantFrom(0, 1e300))
const condition = fc.oneof(
  plain,
  fc.dictionary(fc.constantFrom('$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$contains'), plain, {
    minKeys: 1,
  }),
  fc.dictionary(fc.constantFrom('$in', '$nin', '$containsAny', '$containsAll'), fc.array(plain), {
    minKeys: 1,
  }),
  fc.constantFrom({ $exists: true }, { $startsWith: 'a' }, { $not: { $gt: 1 } }),
)
const geo = fc.oneof(
  fc.record({ $near: place }),
  fc.record({ $near: fc.record({ point: place, maxDistance: metres }) }),
  fc.record({ $withinRadius: fc.record({ center: place, radius: metres }) }),
  fc.constantFrom({ $withinBox: [170, -90, -170, 90] }, { $withinBox: [0, 0, 0, 0] }),
)
const goodFilter = fc.oneof(
  fc.dictionary(field, condition, { maxKeys: 3, noNullPrototype: true }),
  fc.record({ at: geo, n: condition }),
  fc.record({ $search: fc.string({ maxLength: 12 }).filter((words) => !words.includes('\0')), s: condition }),
  fc.record({ $or: fc.array(fc.record({ n: condition }), { minLength: 1, maxLength: 3 }) }),
)
const filter = fc.oneof({ weight: 6, arbitrary: goodFilter }, { weight: 2, arbitrary: object }, value)
const goodPaths = fc
  .uniqueArray(field, { minLength: 1, maxLength: 3 })
  .chain((names) => fc.tuple(...names.map((name) => fc.constantFrom(name, `-${name}`))))
const paths = fc.oneof({ weight: 6, arbitrary: goodPaths }, text, fc.array(text, { maxLength: 3 }), value)
export const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 })
const asCursor = (cursor: unknown) => Buffer.from(JSON.stringify(cursor)).toString('base64url')

export const query = fc.record({
  where: maybe(filter),
  sort: maybe(paths),
  limit: maybe(fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 500 }) }, fc.integer(), value)),
  after: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, text, value.map(asCursor)),
  fields: maybe(paths),
  include: maybe(fc.oneof({ weight: 8, arbitrary: fc.constant('other') }, paths)),
  count: maybe(fc.oneof({ weight: 8, arbitrary: fc.boolean() }, value)),
})
const goodSelect = fc.dictionary(
  fc.constantFrom('x', 'y', 'total'),
  fc.oneof(
    fc.constant({ $count: true }),
    fc.dictionary(fc.constantFrom('$sum', '$avg', '$min', '$max', '$countDistinct'), field, {
      minKeys: 1,
      maxKeys: 1,
    }),
  ),
  { minKeys: 1, maxKeys: 3, noNullPrototype: true },
)
export const aggregate = fc.record({
  where: maybe(filter),
  groupBy: maybe(fc.oneof({ weight: 6, arbitrary: fc.uniqueArray(field, { maxLength: 3 }) }, fc.array(key))),
  select: fc.oneof({ weight: 8, arbitrary: goodSelect }, fc.dictionary(text, object)),
  having: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, fc.record({ x: condition }), filter),
  sort: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, fc.constantFrom('x', '-total'), paths),
  limit: maybe(fc.integer({ min: 0, max: 50 })),
})
const goodData = fc.record(
  {
    n: fc.constantFrom(-1, 0, 1, 2, 3, null),
    s: fc.constantFrom('a', 'b', ''),
    u: fc.integer({ max: 9 }),
    list: fc.array(plain),
  },
  { requiredKeys: [] },
)
const patch = fc.record(
  {
    n: fc.constantFrom<unknown>({ $increment: 1 }, { $max: 2 }, { $unset: true }, null, 1),
    list: fc.record({ $addUnique: plain }),
    a: fc.record({ b: fc.constantFrom<unknown>({ $now: true }, null, [1]) }),
  },
  { requiredKeys: [] },
)
export const data = fc.oneof({ weight: 3, arbitrary: goodData }, patch, object)
export const id = fc.oneof({ weight: 6, arbitrary: fc.constantFrom('one', 'two', 'three') }, text)
export const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constantFrom('create', 'update', 'replace', 'replace', 'delete', 'check'),
      collection: fc.constantFrom('things', 'others'),
      id: fc.constantFrom('one', 'two', 'three'),
      data: fc.oneof({ weight: 8, arbitrary: goodData }, data),
    }),
  },
  fc.record({
    op: text,
    collection: text,
    id: maybe(id),
    data: maybe(value),
    ifVersion: maybe(fc.integer()),
  }),
)
export const definition = fc.record({
  schema: maybe(fc.oneof(object, fc.record({ properties: fc.dictionary(text, object) }), value)),
  indexes: maybe(
    fc.oneof(
      fc.array(
        fc.record({
          type: maybe(fc.constantFrom('ordered', 'search', 'geo')),
          fields: fc.array(fc.oneof(key, text), { maxLength: 3 }),
          unique: maybe(fc.boolean()),
          language: maybe(fc.oneof(fc.constant('english'), text)),
        }),
        { maxLength: 3 },
      ),
      value,
    ),
  ),
  rules: maybe(
    fc.oneof(fc.dictionary(fc.constantFrom('read', 'list', 'create', 'update', 'delete'), text), value),
  ),
  fields: maybe(
    fc.oneof(fc.dictionary(text, fc.dictionary(fc.constantFrom('read', 'write', 'relation'), text)), value),
  ),
})
