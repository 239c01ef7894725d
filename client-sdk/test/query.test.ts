import { expect, test } from 'vitest'
import { answer, scriptedServer } from './scripted-server.ts'

const path = '/v1/projects/demo/collections/posts/documents'
const empty = answer(200, { documents: [], nextCursor: null })
const pages = [
  answer(200, { documents: [{ id: '1' }, { id: '2' }], nextCursor: 'c1' }),
  answer(200, { documents: [{ id: '3' }], nextCursor: null }),
] as const

test('a short query is a GET', async () => {
  const server = await scriptedServer(empty)
  await server
    .client()
    .collection('posts')
    .where({ status: 'live', votes: { $gte: 10 } })
    .orderBy('-votes', 'title')
    .limit(20)
    .after('c0')
    .include('author')
    .include('author.team')
    .select('title')
    .find({ count: true })
  const [{ method, query } = {}] = server.seen
  expect(method).toBe('GET')
  expect(query).toEqual({
    where: '{"status":"live","votes":{"$gte":10}}',
    sort: '-votes,title',
    limit: '20',
    after: 'c0',
    include: 'author,author.team',
    fields: 'title',
    count: 'true',
  })
})

test('a long query is a POST that is no write', async () => {
  const server = await scriptedServer(empty)
  const ids = Array.from({ length: 200 }, (_, i) => `document-${i}`)
  await server
    .client()
    .collection('posts')
    .where({ id: { $in: ids } })
    .orderBy('-votes', 'title')
    .limit(5)
    .find()
  expect(server.seen[0]).toMatchObject({ method: 'POST', path: `${path}/query` })
  expect(server.seen[0]!.headers).not.toHaveProperty('idempotency-key')
  expect(JSON.parse(server.seen[0]!.body)).toMatchObject({
    where: { id: { $in: ids } },
    sort: '-votes,title',
    limit: 5,
  })
})

test('characters that mean something in a URL arrive as they are', async () => {
  const server = await scriptedServer(empty)
  const text = 'a&b=c#d+e%20 ü 🦉'
  await server.client().collection('posts').where({ text }).find()
  expect(JSON.parse(server.seen[0]!.query['where']!)).toEqual({ text })
})

test('a query is never changed by those made from it', async () => {
  const server = await scriptedServer(empty)
  const live = server.client().collection('posts').where({ status: 'live' })
  live.orderBy('-votes').limit(3).select('title')
  await live.find()
  await live.where({ pinned: true }).find()
  await server.client().collection('posts').after('c1').after(null).find()
  expect(server.seen.map(({ query }) => query)).toEqual([
    { where: '{"status":"live"}' },
    { where: '{"$and":[{"status":"live"},{"pinned":true}]}' },
    {},
  ])
})

test('a filter with an undefined value is refused, for it would match more than asked', async () => {
  const server = await scriptedServer(empty)
  const posts = server.client().collection('posts')
  expect(() => posts.where({ author: undefined })).toThrow('where.author is undefined')
  expect(() => posts.where({ $or: [{ a: 1 }, { b: { $gt: undefined } }] })).toThrow('where.$or.1.b.$gt')
  await expect(posts.aggregate({ where: { a: undefined }, select: {} })).rejects.toThrow(TypeError)
})

test('iteration walks all pages, and stops asking when the caller stops', async () => {
  const server = await scriptedServer(...pages)
  const ids: unknown[] = []
  for await (const { id } of server.client().collection('posts').limit(2)) ids.push(id)
  expect(ids).toEqual(['1', '2', '3'])
  expect(server.seen.map(({ query }) => query)).toEqual([{ limit: '2' }, { limit: '2', after: 'c1' }])

  const again = await scriptedServer(...pages)
  for await (const _ of again.client().collection('posts')) break
  expect(again.seen).toHaveLength(1)
})

test('pages come one by one', async () => {
  const server = await scriptedServer(...pages)
  const sizes: number[] = []
  for await (const { documents } of server.client().collection('posts').pages()) sizes.push(documents.length)
  expect(sizes).toEqual([2, 1])
})

test('the first match, or null', async () => {
  const server = await scriptedServer(pages[1], empty)
  const posts = server.client().collection('posts')
  expect(await posts.first()).toEqual({ id: '3' })
  expect(await posts.first()).toBeNull()
  expect(server.seen[0]!.query).toEqual({ limit: '1' })
})

test('a count carries no documents', async () => {
  const server = await scriptedServer(answer(200, { documents: [{ id: '1' }], nextCursor: 'c', count: 42 }))
  const query = server.client().collection('posts').where({ a: 1 }).include('author').orderBy('b')
  expect(await query.count()).toBe(42)
  expect(server.seen[0]!.query).toEqual({ where: '{"a":1}', limit: '1', fields: 'id', count: 'true' })
})

test('an aggregate joins the filter of its query', async () => {
  const server = await scriptedServer(answer(200, { groups: [{ status: 'live', n: 2 }] }))
  const groups = await server
    .client()
    .collection('posts')
    .where({ a: 1 })
    .aggregate({
      where: { b: 2 },
      groupBy: ['status'],
      select: { n: { $count: true } },
      having: { n: { $gt: 1 } },
    })
  expect(groups).toEqual([{ status: 'live', n: 2 }])
  expect(server.seen[0]).toMatchObject({ method: 'POST', path: `${path}/aggregate` })
  expect(JSON.parse(server.seen[0]!.body)).toEqual({
    where: { $and: [{ a: 1 }, { b: 2 }] },
    groupBy: ['status'],
    select: { n: { $count: true } },
    having: { n: { $gt: 1 } },
  })
})
