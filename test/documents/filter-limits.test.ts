import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer({
    BASALT_LIMIT_FILTER_DEPTH: '1',
    BASALT_LIMIT_FILTER_TERMS: '2',
    BASALT_LIMIT_FILTER_IN_VALUES: '3',
  })
  project = await server.createProject()
  await project.defineCollection('posts')
})
afterAll(() => server.stop())

const cases = [
  { what: 'depth', at: { $not: { a: 1 } }, past: { $not: { $not: { a: 1 } } }, code: 'too_deep' },
  { what: 'terms', at: { a: 1, b: 1 }, past: { a: 1, b: 1, c: 1 }, code: 'too_many_terms' },
  {
    what: 'values',
    at: { a: { $in: [1, 2, 3] } },
    past: { a: { $in: [1, 2, 3, 4] } },
    code: 'too_many_values',
  },
]

test.each(cases)('the operator bounds the $what of a filter', async ({ at, past, code }) => {
  const select = { n: { $count: true } }
  for (const [path, rest] of [
    ['query', {}],
    ['aggregate', { select }],
  ] as const) {
    const ask = (where: object) =>
      project.call('POST', `/collections/posts/documents/${path}`, { body: { where, ...rest } })
    expect((await ask(at)).status).toBe(200)
    expect((await ask(past)).body).toMatchObject({ code: 'invalid_request', errors: [{ code }] })
  }
})
