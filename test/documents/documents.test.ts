import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  await project.defineCollection('posts', {
    schema: {
      type: 'object',
      properties: { title: { type: 'string' }, votes: { type: 'number' } },
      required: ['title'],
    },
    rules: {
      read: 'true',
      list: 'true',
      create: 'doc.title != "forbidden"',
      update: 'doc.votes >= before.votes',
      delete: 'false',
    },
    indexes: [{ fields: ['-votes'] }],
  })
})

afterAll(() => server.stop())

describe('a document', () => {
  test('is stored, read, changed, replaced and deleted', async () => {
    const created = await project.call('POST', '/collections/posts/documents', {
      body: { title: 'One', votes: 1 },
    })
    expect(created.status).toBe(201)
    expect(created.headers.get('etag')).toBe('"1"')
    expect(created.body).toMatchObject({ title: 'One', votes: 1, version: 1 })
    const path = `/collections/posts/documents/${created.body.id}`
    const read = await project.call('GET', path)
    expect(read.body).toEqual(created.body)
    const patched = await project.call('PATCH', path, {
      body: { votes: { $increment: 2 }, tags: { $append: ['a'] } },
    })
    expect(patched.body).toMatchObject({ votes: 3, tags: ['a'], version: 2 })
    const replaced = await project.call('PUT', path, { body: { title: 'Two' } })
    expect(replaced.status).toBe(200)
    expect(replaced.body).toMatchObject({ title: 'Two', version: 3 })
    expect(replaced.body).not.toHaveProperty('votes')
    expect((await project.call('DELETE', path)).status).toBe(204)
    expect((await project.call('GET', path)).status).toBe(404)
    const changes = await project.call('GET', '/changes')
    expect(changes.body.changes.map((change: { kind: string }) => change.kind)).toEqual([
      'create',
      'update',
      'update',
      'delete',
    ])
  })

  test('is found by queries in pages, counted, and aggregated', async () => {
    for (let votes = 0; votes < 25; votes++) {
      await project.call('POST', '/collections/posts/documents', { body: { title: `T${votes % 3}`, votes } })
    }
    const page = await project.call(
      'GET',
      '/collections/posts/documents?sort=-votes&limit=20&count=true&where={"votes":{"$gte":1}}',
      { as: project.publishable },
    )
    expect(page.status).toBe(200)
    expect(page.body.documents).toHaveLength(20)
    expect(page.body.count).toBe(24)
    const next = await project.call('POST', '/collections/posts/documents/query', {
      body: { sort: '-votes', after: page.body.nextCursor, where: { votes: { $gte: 1 } } },
    })
    expect(next.body.documents.map((d: { votes: number }) => d.votes)).toEqual([4, 3, 2, 1])
    const groups = await project.call('POST', '/collections/posts/documents/aggregate', {
      body: { groupBy: ['title'], select: { n: { $count: true }, total: { $sum: 'votes' } }, sort: '-total' },
    })
    expect(groups.body.groups[0]).toEqual({ title: 'T0', n: 9, total: 108 })
  })
})
