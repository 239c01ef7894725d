import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { documentsOf, faultsOf, type TestDocuments } from './documents-of.ts'

let server: TestServer
let project: TestProject
let people: TestDocuments

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  await project.defineCollection('people', {
    schema: {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 1, pattern: '^[^0-9]+$' },
        mail: { type: 'string', format: 'email' },
        age: { type: 'integer', minimum: 0 },
        tags: { type: 'array', items: { type: ['string', 'object'] }, uniqueItems: true },
        address: {
          type: 'object',
          properties: { 'a/b': { type: 'number' } },
          required: ['city'],
          additionalProperties: true,
        },
        list: { uniqueItems: true },
        slow: { type: 'string', pattern: '^(a+)+$' },
      },
      required: ['name'],
      additionalProperties: false,
    },
  })
  people = documentsOf(project, 'people')
})

afterAll(() => server.stop())

test('all faults are told by field', async () => {
  const answer = await people.create({
    mail: 'no',
    age: -1.5,
    tags: ['a', 1, { b: 1, c: 2 }, { c: 2, b: 1 }],
    address: { 'a/b': 'x' },
    more: 1,
  })
  expect([answer.status, answer.body.code]).toEqual([422, 'validation_failed'])
  expect(new Set(faultsOf(answer))).toEqual(
    new Set([
      'name required',
      'mail format',
      'age type',
      'age minimum',
      'tags.1 type',
      'tags uniqueItems',
      'address.city required',
      'address.a/b type',
      'more additionalProperties',
    ]),
  )
})

test('system fields are not part of the data that a schema sees', async () => {
  const { status, body } = await people.create({ id: 'ada', name: 'Ada' })
  expect(status).toBe(201)
  expect((await people.patch(body.id, { age: 36 })).status).toBe(200)
  expect((await people.put(body.id, { id: 'ada', name: 'Ada L.' })).status).toBe(200)
})

test('what a patch leads to is checked, not the patch', async () => {
  await people.create({ id: 'bob', name: 'Bob', age: 1 })
  expect(faultsOf(await people.patch('bob', { name: null }))).toEqual(['name required'])
  expect(faultsOf(await people.patch('bob', { age: { $increment: -2 } }))).toEqual(['age minimum'])
  expect((await people.get('bob')).body).toMatchObject({ name: 'Bob', age: 1, version: 1 })
})

test('each pattern is its own', async () => {
  expect(faultsOf(await people.create({ name: '1', slow: 'a' }))).toEqual(['name pattern'])
  expect(faultsOf(await people.create({ name: 'b', slow: 'b' }))).toEqual(['slow pattern'])
})

test('no pattern takes more than linear time', async () => {
  const started = performance.now()
  expect((await people.create({ name: 'Eve', slow: `${'a'.repeat(50_000)}!` })).status).toBe(422)
  expect(performance.now() - started).toBeLessThan(2_000)
})

test('many items and many faults take no time that others would feel', async () => {
  const started = performance.now()
  const objects = Array.from({ length: 40_000 }, (_, n) => [n])
  const faulty = Array.from({ length: 400_000 }, () => 1)
  expect((await people.create({ name: 'Eve', list: objects })).status).toBe(201)
  expect((await people.create({ name: 'Eve', tags: faulty })).status).toBe(422)
  expect(performance.now() - started).toBeLessThan(4_000)
})

test.each([
  ['an unknown keyword', { type: 'object', propertys: {} }],
  ['an unknown type', { type: 'objekt' }],
  ['a reference to elsewhere', { $ref: 'https://example.com/schema.json' }],
  ['a pattern that RE2 does not know', { properties: { a: { type: 'string', pattern: '(?<=a)b' } } }],
  ['a pattern that is none', { properties: { a: { type: 'string', pattern: '(' } } }],
  ['an unknown format', { properties: { a: { type: 'string', format: 'nope' } } }],
  ['an asynchronous schema', { $async: true, type: 'object' }],
  ['another draft', { $schema: 'http://json-schema.org/draft-04/schema#', type: 'object' }],
  ['a schema of more than 64 KiB', { description: 'x'.repeat(66_000) }],
])('%s is refused when it is declared', async (_name, schema) => {
  const answer = await project.call('PUT', '/collections/refused', { body: { schema } })
  expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
  expect(answer.body.errors[0].path).toBe('schema')
  expect((await project.call('GET', '/collections/refused')).status).toBe(404)
})

test('a schema may refer to itself', async () => {
  const answer = await project.call('PUT', '/collections/trees', {
    body: {
      schema: {
        $defs: {
          node: {
            type: 'object',
            properties: { children: { type: 'array', items: { $ref: '#/$defs/node' } } },
          },
        },
        $ref: '#/$defs/node',
      },
    },
  })
  expect(answer.status).toBe(201)
  const trees = documentsOf(project, 'trees')
  expect((await trees.create({ children: [{ children: [] }] })).status).toBe(201)
  expect(faultsOf(await trees.create({ children: [{ children: [1] }] }))).toEqual([
    'children.0.children.0 type',
  ])
})

test('a schema that comes later concerns what is written from then on', async () => {
  await project.defineCollection('later')
  const later = documentsOf(project, 'later')
  await later.create({ id: 'old', n: 'text' })
  await project.defineCollection('later', { schema: { properties: { n: { type: 'number' } } } })
  expect((await later.get('old')).body.n).toBe('text')
  expect((await later.patch('old', { m: 1 })).status).toBe(422)
  expect((await later.patch('old', { n: 1 })).status).toBe(200)
})
