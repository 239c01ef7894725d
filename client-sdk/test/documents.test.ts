import { expect, test } from 'vitest'
import { answer, scriptedServer } from './scripted-server.ts'

const path = '/v1/projects/demo/collections/posts/documents'

test('single documents by id, with preconditions', async () => {
  const server = await scriptedServer(answer(200, { id: 'a' }))
  const posts = server.client().collection('posts')
  await posts.get('a', { include: ['author', 'author.team'], fields: ['title'] })
  await posts.update('a', { votes: { $increment: 1 } }, { ifVersion: 3 })
  await posts.replace('a', { title: 'x' }, { ifNoneMatch: '*' })
  await posts.replace('a', { title: 'x' }, { ifVersion: 4 })
  expect(server.seen).toMatchObject([
    { method: 'GET', path: `${path}/a`, query: { include: 'author,author.team', fields: 'title' }, body: '' },
    {
      method: 'PATCH',
      path: `${path}/a`,
      headers: { 'if-match': '"3"' },
      body: '{"votes":{"$increment":1}}',
    },
    { method: 'PUT', path: `${path}/a`, headers: { 'if-none-match': '*' }, body: '{"title":"x"}' },
    { method: 'PUT', path: `${path}/a`, headers: { 'if-match': '"4"' } },
  ])
})

test('deleting answers nothing', async () => {
  const server = await scriptedServer(answer(204))
  expect(await server.client().collection('posts').delete('a', { ifVersion: 2 })).toBeUndefined()
  expect(server.seen).toMatchObject([{ method: 'DELETE', path: `${path}/a`, headers: { 'if-match': '"2"' } }])
})

test.each(['', '.', '..', 'a/b', 'a?b', 'x'.repeat(65)])('%j is no id and addresses nothing', async (id) => {
  const server = await scriptedServer(answer(200, {}))
  expect(() => server.client().collection('posts').delete(id)).toThrow(TypeError)
  expect(server.seen).toHaveLength(0)
})

test('a transaction sends its operations in order and hands back what its callback asked for', async () => {
  const order = { id: 'o1', item: 'lamp' }
  const server = await scriptedServer(
    answer(200, { results: [order, { id: 'lamp', left: 6 }, null, null, null] }),
  )
  const wanted = await server.client().transaction((tx) => {
    const created = tx.create('orders', { id: 'o1', item: 'lamp' })
    const stock = tx.update('stock', 'lamp', { left: { $increment: -1 } }, { ifVersion: 7 })
    tx.replace('notes', 'n', { text: 'x' })
    tx.delete('carts', 'c')
    tx.check('users', 'u', { ifVersion: 2 })
    return { stock, created, both: undefined }
  })
  expect(wanted).toEqual({ stock: { id: 'lamp', left: 6 }, created: order, both: undefined })
  expect(server.seen[0]).toMatchObject({ method: 'POST', path: '/v1/projects/demo/transactions' })
  expect(JSON.parse(server.seen[0]!.body)).toEqual({
    operations: [
      { op: 'create', collection: 'orders', id: 'o1', data: { item: 'lamp' } },
      { op: 'update', collection: 'stock', id: 'lamp', data: { left: { $increment: -1 } }, ifVersion: 7 },
      { op: 'replace', collection: 'notes', id: 'n', data: { text: 'x' } },
      { op: 'delete', collection: 'carts', id: 'c' },
      { op: 'check', collection: 'users', id: 'u', ifVersion: 2 },
    ],
  })
})

test('a transaction of nothing needs no request', async () => {
  const server = await scriptedServer(answer(200, { results: [] }))
  expect(await server.client().transaction(() => [])).toEqual([])
  expect(server.seen).toHaveLength(0)
})

test('a callback that throws sends nothing', async () => {
  const server = await scriptedServer(answer(200, { results: [] }))
  const broken = server.client().transaction((tx) => {
    tx.delete('carts', 'c')
    throw new Error('changed my mind')
  })
  await expect(broken).rejects.toThrow('changed my mind')
  expect(server.seen).toHaveLength(0)
})
