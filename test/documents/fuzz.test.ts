import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startTestServer, type CallResult, type TestProject, type TestServer } from '../support/server.ts'
import {
  aggregate,
  data,
  definition,
  id,
  maybe,
  object,
  operation,
  query,
  text,
  value,
} from './arbitrary-requests.ts'
import { acceptTestUsers } from './sign-in-as.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer()
  acceptTestUsers(server)
  project = await server.createProject()
  await project.defineCollection('others', { rules: { read: 'true' } })
  await project.defineCollection('things', {
    schema: { properties: { n: { type: ['number', 'null'] }, s: { pattern: '^[a-z]*$' } } },
    indexes: [
      { fields: ['n', '-s'] },
      { fields: ['u'], unique: true },
      { type: 'search', fields: ['s', 'text'] },
      { type: 'geo', fields: ['at'] },
    ],
    rules: {
      read: 'doc.n != 3 || auth.uid == doc.s',
      list: 'doc.n > 1 || exists("others", {"s": doc.s})',
      create: 'doc.n >= 0 || get("others", doc.s).n == doc.n',
      update: 'doc.list.all(x, x != before.n)',
      delete: 'before.s.startsWith(auth.uid)',
    },
    fields: {
      hidden: { read: 'doc.n == 1' },
      other: { relation: 'others' },
      'a.b': { write: 'auth != null' },
    },
  })
})

afterAll(() => server.stop())

const base = '/collections/things/documents'
const address = (params: object) =>
  new URLSearchParams(
    Object.entries(params).flatMap(([name, given]) =>
      given === undefined ? [] : [[name, asParameter(name, given)]],
    ),
  ).toString()

function asParameter(name: string, given: unknown): string {
  if (typeof given === 'string') return given
  if (name === 'where' || !Array.isArray(given)) return JSON.stringify(given)
  return given.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))).join(',')
}

type Send = (as: string) => Promise<CallResult>

const requests: Record<string, fc.Arbitrary<Send>> = {
  create: fc
    .oneof({ weight: 9, arbitrary: data }, value)
    .map((body) => (as) => project.call('POST', base, { body, as })),
  update: fc.tuple(id, data).map(
    ([at, body]) =>
      (as) =>
        project.call('PATCH', documentAt(at), { body, as }),
  ),
  replace: fc.tuple(id, data).map(
    ([at, body]) =>
      (as) =>
        project.call('PUT', documentAt(at), { body, as }),
  ),
  delete: id.map((at) => (as) => project.call('DELETE', documentAt(at), { as })),
  read: fc
    .tuple(
      id,
      fc.record({
        fields: maybe(fc.oneof(fc.constant('n,a.b'), text)),
        include: maybe(fc.oneof(fc.constant('other'), text)),
      }),
    )
    .map(
      ([at, params]) =>
        (as) =>
          project.call('GET', `${documentAt(at)}?${address(params)}`, { as }),
    ),
  list: query.map((params) => (as) => project.call('GET', `${base}?${address(params)}`, { as })),
  query: fc
    .oneof({ weight: 9, arbitrary: query }, value)
    .map((body) => (as) => project.call('POST', `${base}/query`, { body, as })),
  aggregate: fc
    .oneof({ weight: 9, arbitrary: aggregate }, object)
    .map((body) => (as) => project.call('POST', `${base}/aggregate`, { body, as })),
  transaction: fc
    .oneof({ weight: 9, arbitrary: fc.array(operation, { minLength: 1, maxLength: 4 }) }, value)
    .map((operations) => (as) => project.call('POST', '/transactions', { body: { operations }, as })),
  explain: fc
    .record({
      action: fc.constantFrom('read', 'list', 'create', 'update', 'delete'),
      actor: fc.oneof(fc.constant(null), fc.record({ uid: text }), value),
      id: maybe(text),
      data: maybe(object),
    })
    .map((body) => () => project.call('POST', '/collections/things/rules/explain', { body })),
  declare: fc.tuple(text, definition).map(
    ([name, body]) =>
      () =>
        project.call('PUT', `/collections/${encode(name)}?dryRun=true`, { body }),
  ),
  declareReally: definition.map((body) => () => project.call('PUT', '/collections/fuzzed', { body })),
  changes: fc
    .record({ after: value, limit: value })
    .map((params) => () => project.call('GET', `/changes?${address(params)}`)),
  import: fc
    .array(
      fc.oneof(
        object.map((line) => JSON.stringify(line)),
        text,
      ),
      { maxLength: 5 },
    )
    .map(
      (lines) => () =>
        project.call('POST', `${base}/import?onConflict=${lines.length % 2 ? 'replace' : 'error'}`, {
          body: `${lines.join('\n')}\n`,
          headers: { 'content-type': 'application/x-ndjson' },
        }),
    ),
}

function documentAt(part: string): string {
  return `${base}/${encode(part)}`
}

function encode(part: string): string {
  return encodeURIComponent(part.toWellFormed()) || '%20'
}

beforeEach(async () => {
  for (const name of ['one', 'two'])
    await project.call('PUT', documentAt(name), { body: { n: 1, s: 'a', list: [1] } })
})

test.each(Object.entries(requests))(
  'whatever is sent to %s is answered, and never with an error of ours',
  async (_name, request) => {
    const actors = fc.constantFrom(project.secret, project.publishable, 'user:a')
    const property = fc.asyncProperty(request, actors, async (send, as) => expectAnswer(await send(as)))
    await fc.assert(property, { numRuns: 150 })
  },
  120_000,
)

function expectAnswer({ status, headers, body }: CallResult): void {
  expect([status < 500, body.code, body.detail]).toEqual([true, body.code, body.detail])
  if (status < 400) return
  expect(headers.get('content-type')).toMatch('application/problem+json')
  expect(body).toMatchObject({
    status,
    code: expect.stringMatching(/^[a-z_]+$/),
    requestId: expect.any(String),
  })
  expect(JSON.stringify(body)).not.toMatch(/SELECT|INSERT|pg_|relation "|syntax error at|node_modules/)
}
