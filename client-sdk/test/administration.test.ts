import { array, collection, defineSchema, object, point, reference, string } from '../src/client.ts'
import { expect, test } from 'vitest'
import { answer, drop, failureOf, problem, scriptedServer } from './scripted-server.ts'

const schema = defineSchema({
  collections: {
    authors: collection({ name: string() }),
    posts: collection(
      {
        title: string({ maxLength: 80 }),
        tags: array(string(), { maxItems: 5 }).optional(),
        author: reference('authors'),
        secret: string().optional().rules({ read: 'auth.uid == doc.author' }),
        location: point().optional(),
        credits: object({ photographer: reference('authors').rules({ write: 'false' }) }).optional(),
      },
      {
        indexes: [{ fields: ['-createdAt'] }, { type: 'search', fields: ['title'], language: 'english' }],
        rules: { read: 'true' },
      },
    ),
  },
})

test('a schema written in TypeScript is what the server needs', () => {
  expect(schema.collections.posts.definition).toEqual({
    schema: {
      type: 'object',
      properties: {
        title: { type: 'string', maxLength: 80 },
        tags: { type: 'array', items: { type: 'string' }, maxItems: 5 },
        author: { type: 'string' },
        secret: { type: 'string' },
        location: {
          type: 'object',
          properties: {
            type: { const: 'Point' },
            coordinates: { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
          },
          required: ['type', 'coordinates'],
          additionalProperties: false,
        },
        credits: {
          type: 'object',
          properties: { photographer: { type: 'string' } },
          required: ['photographer'],
          additionalProperties: false,
        },
      },
      required: ['title', 'author'],
      additionalProperties: false,
    },
    fields: {
      author: { relation: 'authors' },
      secret: { read: 'auth.uid == doc.author' },
      'credits.photographer': { relation: 'authors', write: 'false' },
    },
    indexes: [{ fields: ['-createdAt'] }, { type: 'search', fields: ['title'], language: 'english' }],
    rules: { read: 'true' },
  })
})

test('applying a schema puts every collection, or only says what would change', async () => {
  const server = await scriptedServer(answer(200, { name: 'x', changes: [] }))
  await server.client({ key: 'sk_1' }).applySchema(schema, { dryRun: true })
  expect(server.seen).toMatchObject([
    { method: 'PUT', path: '/v1/projects/demo/collections/authors', query: { dryRun: 'true' } },
    { method: 'PUT', path: '/v1/projects/demo/collections/posts', query: { dryRun: 'true' } },
  ])
  expect(JSON.parse(server.seen[1]!.body)).toEqual(schema.collections.posts.definition)
})

test('collections are listed, read and deleted', async () => {
  const posts = { name: 'posts' }
  const server = await scriptedServer(answer(200, { collections: [posts] }), answer(200, posts), answer(204))
  const { collections } = server.client({ key: 'sk_1' })
  expect(await collections.list()).toEqual([posts])
  expect(await collections.get('posts')).toEqual(posts)
  await collections.delete('posts')
  expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /v1/projects/demo/collections',
    'GET /v1/projects/demo/collections/posts',
    'DELETE /v1/projects/demo/collections/posts',
  ])
})

test('an import goes out in batches, and faults count lines over all of them', async () => {
  const fault = { line: 2, code: 'validation_failed', message: 'no' }
  const server = await scriptedServer(
    answer(200, { imported: 2, failed: 0, errors: [] }),
    answer(200, { imported: 1, failed: 1, errors: [fault] }),
    answer(200, { imported: 1, failed: 0, errors: [] }),
  )
  async function* documents() {
    for (let n = 1; n <= 5; n++) yield { n }
  }
  const progress: number[] = []
  const summary = await server
    .client({ key: 'sk_1' })
    .collection('posts')
    .import(documents(), { batchSize: 2, onProgress: ({ imported }) => progress.push(imported) })
  expect(summary).toEqual({ imported: 4, failed: 1, errors: [{ ...fault, line: 4 }] })
  expect(progress).toEqual([2, 3, 4])
  expect(server.seen.map(({ body }) => body)).toEqual([
    '{"n":1}\n{"n":2}\n',
    '{"n":3}\n{"n":4}\n',
    '{"n":5}\n',
  ])
  expect(server.seen[0]).toMatchObject({
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
  })
})

test.each([
  ['replacing documents by their ids is repeated', 'replace', { id: 'a' }, 2],
  ['what would be stored twice is not repeated', 'replace', {}, 1],
  ['what would be refused the second time is not repeated', 'error', { id: 'a' }, 1],
] as const)('after a broken connection, %s', async (_, onConflict, document, requests) => {
  const server = await scriptedServer(drop, answer(200, { imported: 1, failed: 0, errors: [] }))
  const posts = server.client({ key: 'sk_1' }).collection('posts')
  await posts.import([document], { onConflict }).catch(() => {})
  expect(server.seen).toHaveLength(requests)
  expect(server.seen[0]!.query).toEqual({ onConflict })
})

test('an import waits when it comes too fast', async () => {
  const tooFast = problem(429, 'rate_limited', { 'retry-after': '0' })
  const server = await scriptedServer(tooFast, answer(200, { imported: 1, failed: 0, errors: [] }))
  const summary = await server
    .client({ key: 'sk_1' })
    .collection('posts')
    .import([{ n: 1 }])
  expect(summary.imported).toBe(1)
})

test('a batch of large documents is cut by size', async () => {
  const server = await scriptedServer(answer(200, { imported: 1, failed: 0, errors: [] }))
  const large = { text: 'x'.repeat(600_000) }
  await server.client({ key: 'sk_1' }).collection('posts').import([large, large])
  expect(server.seen).toHaveLength(2)
})

test('an export is read while it arrives', async () => {
  let finish = () => {}
  const server = await scriptedServer((response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    const bytes = Buffer.from('{"id":"ä"}\n{"id":"b"}\n')
    // Cut inside a character.
    response.write(bytes.subarray(0, 8))
    setTimeout(() => response.write(bytes.subarray(8)), 20)
    finish = () => response.end('{"id":"c"}\n')
  })
  const ids: unknown[] = []
  for await (const { id } of server.client({ key: 'sk_1' }).collection('posts').export()) {
    ids.push(id)
    if (id === 'b') finish()
  }
  expect(ids).toEqual(['ä', 'b', 'c'])
})

test('an export that breaks off says so', async () => {
  const server = await scriptedServer((response) => {
    response.writeHead(200)
    response.write('{"id":"a"}\n{"id":')
    setTimeout(() => drop(response, server.seen[0]!), 50)
  })
  const posts = server.client({ key: 'sk_1' }).collection('posts')
  const read = async () => {
    for await (const { id } of posts.export()) expect(id).toBe('a')
  }
  expect(await failureOf(read())).toMatchObject({ code: 'network' })
})

test('an export that is not one says so', async () => {
  const server = await scriptedServer((response) => void response.end('<html>'))
  const read = server.client({ key: 'sk_1' }).collection('posts').export().next()
  expect(await failureOf(read)).toMatchObject({ code: 'unexpected_response' })
})

test('an export that is aborted ends with the reason', async () => {
  const server = await scriptedServer((response) => void response.writeHead(200).write('{"id":"a"}\n'))
  const controller = new AbortController()
  const read = async () => {
    const { signal } = controller
    for await (const _ of server.client({ key: 'sk_1' }).collection('posts').export({ signal }))
      controller.abort()
  }
  expect(await failureOf(read())).toBe(controller.signal.reason)
})

test('changes are read to the end of the log', async () => {
  const server = await scriptedServer(
    answer(200, { changes: [{ seq: 8 }, { seq: 9 }], cursor: 9, hasMore: true }),
    answer(200, { changes: [{ seq: 10 }], cursor: 10, hasMore: false }),
  )
  const seen: number[] = []
  for await (const { seq } of server.client({ key: 'sk_1' }).changes({ after: 7, limit: 2 })) seen.push(seq)
  expect(seen).toEqual([8, 9, 10])
  expect(server.seen.map(({ query }) => query['after'])).toEqual(['7', '9'])
})
