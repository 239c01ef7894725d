import fc from 'fast-check'
import type { Json, JsonObject } from '../../src/query/json.ts'
import type { StoredDocument } from './query-database.ts'

// Few different values, so that random expressions meet random documents; each is odd in its own way.
const texts = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      '',
      'a',
      'ab',
      'abc',
      'b',
      '～',
      '😀',
      '😀a',
      'é',
      '\u{D7FF}',
      '',
      '\u{10FFFF}',
      '"',
      "'; --",
      '%',
      'true',
      '1',
      'x'.repeat(300),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: 'binary', maxLength: 6 })
      .filter((text) => text.isWellFormed() && !text.includes('\0')),
  },
)
const numbers = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      0,
      -0,
      1,
      -1,
      2,
      3,
      0.1,
      0.2,
      0.30000000000000004,
      -1.5,
      1e308,
      -1e308,
      Number.MAX_VALUE,
      -Number.MAX_VALUE,
      5e-324,
      -5e-324,
      1e-200,
      2 ** 53,
      2 ** 53 - 1,
      12345678901234567000,
      1e21,
    ),
  },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
)
const scalars = fc.oneof(texts, numbers, fc.boolean(), fc.constant(null))
const lists = fc.array(
  fc.oneof(scalars, fc.array(scalars, { maxLength: 2 }), fc.record({ x: scalars }, { requiredKeys: [] })),
  { maxLength: 4 },
)
const objects = fc.record(
  { x: scalars, y: fc.oneof(scalars, lists), z: fc.record({ x: scalars }) },
  { requiredKeys: [] },
)
const values = fc.oneof(
  { weight: 6, arbitrary: scalars },
  { weight: 2, arbitrary: lists },
  { weight: 2, arbitrary: objects },
)

const dates = fc.constantFrom(
  '2026-01-01T00:00:00.000Z',
  '2026-01-02T00:00:00.000Z',
  '2027-01-01T00:00:00.000Z',
)

const fieldNames = ['a', 'b', 'größe', 'tags', 'nested', "it's"]

/** Documents as they come back from storage, with the ids d0, d1, … */
export function documents(count: number): fc.Arbitrary<StoredDocument[]> {
  const fields = Object.fromEntries(
    fieldNames.map((name) => [name, name === 'tags' ? fc.oneof(lists, values) : values]),
  )
  const data: fc.Arbitrary<Record<string, unknown>> = fc.record(fields, { requiredKeys: [] })
  const one = fc.record({ data, createdAt: dates, updatedAt: dates, version: fc.integer({ min: 1, max: 4 }) })
  return fc.array(one, { minLength: count, maxLength: count }).map((rows) =>
    rows.map((row, index) => ({
      id: `d${index}`,
      createdAt: row.createdAt,
      updatedAt: row.updatedAt,
      version: row.version,
      ...(JSON.parse(JSON.stringify(row.data)) as JsonObject),
    })),
  )
}

const paths = fc.constantFrom(
  ...fieldNames,
  'nested.x',
  'nested.y',
  'nested.z.x',
  'nested.0',
  'tags.0',
  'a.x',
  "it's.x",
  'id',
  'createdAt',
  'version',
  'id.x',
)

const operators: fc.Arbitrary<Record<string, Json>> = fc.oneof(
  fc.record({ $eq: values }),
  fc.record({ $ne: values }),
  ...['$gt', '$gte', '$lt', '$lte'].map((name) =>
    fc.oneof(texts, numbers, fc.boolean(), dates).map((value) => ({ [name]: value })),
  ),
  fc.tuple(numbers, numbers).map(([from, to]) => ({ $gte: from, $lt: to })),
  fc.record({ $in: fc.array(values, { maxLength: 4 }) }),
  fc.record({ $nin: fc.array(values, { maxLength: 4 }) }),
  fc.record({ $exists: fc.boolean() }),
  fc.record({ $startsWith: texts }),
  fc.record({ $contains: values }),
  fc.record({ $containsAny: fc.array(values, { maxLength: 3 }) }),
  fc.record({ $containsAll: fc.array(values, { maxLength: 3 }) }),
)

/** Fields to sort by. */
export const sortablePaths = fc.constantFrom(
  ...fieldNames,
  'nested.x',
  'id',
  'createdAt',
  'updatedAt',
  'version',
)

/** Filters as a client sends them. */
export const filters: fc.Arbitrary<Json> = fc.letrec<{ filter: Json }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    fc
      .tuple(
        paths,
        fc.oneof(
          operators,
          operators.map((inner) => ({ $not: inner })),
          scalars,
        ),
      )
      .map(([path, value]) => ({ [path]: value })),
    fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((list) => ({ $and: list })),
    fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((list) => ({ $or: list })),
    tie('filter').map((inner) => ({ $not: inner })),
  ),
})).filter

/** What rules may ask for of the caller. */
export const callers: fc.Arbitrary<Json> = fc.oneof(
  fc.constant(null),
  fc.record({ uid: texts, roles: fc.array(texts, { maxLength: 3 }), claims: objects, age: values }),
)

function celText(value: Json): string {
  if (typeof value === 'string') return JSON.stringify(value).replaceAll('\u2028', '\\u2028')
  if (typeof value === 'number') {
    const text = String(value)
    return Number.isSafeInteger(value) || /[.e]/.test(text) ? text.replace('e+', 'e') : `${text}.0`
  }
  if (Array.isArray(value)) return `[${value.map(celText).join(', ')}]`
  if (value !== null && typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, item]) => `${JSON.stringify(key)}: ${celText(item)}`)
      .join(', ')}}`
  }
  return String(value)
}

const places = fc.constantFrom(
  'doc.a',
  'doc.b',
  "doc['größe']",
  'doc.tags',
  'doc.nested',
  'doc.nested.x',
  'doc.nested.y',
  'doc.nested.z.x',
  'doc.id',
  'doc.version',
  'doc.createdAt',
  'doc.tags[0]',
  'doc.nested["x"]',
  'doc',
  'auth',
  'auth.uid',
  'auth.roles',
  'auth.claims.x',
  'auth.claims',
  'auth.age',
  'doc[auth.uid]',
  'doc.nested[doc.a]',
  'doc.tags[doc.version]',
)
const literals = fc
  .oneof(scalars, values)
  .filter((value) => !JSON.stringify(value).includes('xxxx'))
  .map(celText)
const filterMaps = fc
  .tuple(paths, fc.oneof(places, literals))
  .map(([path, value]) => `{${JSON.stringify(path)}: ${value}}`)
const listMaps = fc
  .tuple(paths, fc.constantFrom('$eq', '$ne', '$in', '$nin', '$containsAny', '$containsAll'), places, places)
  .map(([path, operator, a, b]) => `{${JSON.stringify(path)}: {'${operator}': [${a}, ${b}, 'a']}}`)
const operatorMaps = fc
  .tuple(paths, fc.constantFrom('$ne', '$gt', '$lte', '$startsWith', '$contains', '$in'), places)
  .map(([path, operator, value]) => `{${JSON.stringify(path)}: {'${operator}': ${value}}}`)

/** Rules in CEL. Some are refused when parsed, for a type that can't be. */
export const rules: fc.Arbitrary<string> = fc.letrec<{ value: string; test: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'rule' },
    { weight: 5, arbitrary: places },
    { weight: 3, arbitrary: literals },
    {
      weight: 2,
      arbitrary: fc
        .tuple(tie('value'), fc.constantFrom('+', '-', '*', '/', '%'), tie('value'))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
    },
    { weight: 1, arbitrary: tie('value').map((a) => `-(${a})`) },
    { weight: 1, arbitrary: tie('value').map((a) => `size(${a})`) },
    {
      weight: 1,
      arbitrary: fc.tuple(tie('test'), tie('value'), tie('value')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    },
    {
      weight: 1,
      arbitrary: fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
    },
    { weight: 1, arbitrary: tie('value').map((a) => `{'x': ${a}}`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(places, fc.constantFrom('', '.a', '.nested.x', '.id'))
        .map(([id, field]) => `get('others', ${id})${field}`),
    },
    { weight: 1, arbitrary: tie('test') },
  ),
  test: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'rule' },
    {
      weight: 5,
      arbitrary: fc
        .tuple(tie('value'), fc.constantFrom('==', '!=', '<', '<=', '>', '>='), tie('value'))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(tie('test'), fc.constantFrom('&&', '||'), tie('test'))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
    },
    { weight: 1, arbitrary: tie('test').map((a) => `!${a}`) },
    { weight: 1, arbitrary: places },
    { weight: 2, arbitrary: fc.tuple(tie('value'), tie('value')).map(([a, b]) => `(${a} in ${b})`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('value'), fc.constantFrom('startsWith', 'endsWith', 'contains'), tie('value'))
        .map(([a, method, b]) => `(${a}).${method}(${b})`),
    },
    { weight: 1, arbitrary: fc.constantFrom('has(doc.a)', 'has(auth.uid)', 'has(doc.nested.x)') },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          places,
          fc.constantFrom('all', 'exists', 'exists_one'),
          places,
          fc.constantFrom('==', '<', '!='),
        )
        .map(([list, name, other, op]) => `${list}.${name}(item, item ${op} ${other} || item.x == 1)`),
    },
    {
      weight: 1,
      arbitrary: fc.oneof(filterMaps, operatorMaps, listMaps).map((filter) => `exists('others', ${filter})`),
    },
    { weight: 1, arbitrary: places.map((id) => `exists('missing', {'a': ${id}})`) },
  ),
})).test
