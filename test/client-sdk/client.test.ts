import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Basalt, BasaltError, type Change, type Fetch } from '../../client-sdk/src/client.ts'
import { schema } from './blog.ts'
import { type ProjectServer, serveProjects, type TestProject } from './serve-projects.ts'

let projects: ProjectServer
let project: TestProject
let server: Basalt<typeof schema>
let app: Basalt<typeof schema>

beforeAll(async () => {
  projects = await serveProjects()
})
afterAll(() => projects.stop())

beforeEach(async () => {
  // A project of its own for each test.
  project = await projects.createProject()
  server = project.server
  app = project.app
  await server.applySchema(schema)
})

const draft = { title: 'Hello', status: 'draft', tags: [], author: 'ada' } as const

/** Runs the request, then loses the first answer. */
function losingTheFirstAnswer(): Fetch {
  let isFirst = true
  return async (url, init) => {
    const response = await fetch(url, init)
    if (!isFirst) return response
    isFirst = false
    await response.text()
    throw new TypeError('connection lost')
  }
}

describe('definitions', () => {
  test('a schema is applied once and stays', async () => {
    const [, , again] = await server.applySchema(schema)
    expect(again).toMatchObject({ name: 'posts', changes: [] })
    const names = (await server.collections.list()).map(({ name }) => name)
    expect(names.sort()).toEqual(['authors', 'posts', 'teams', 'users'])
    expect(await server.collections.get('posts')).toMatchObject(schema.collections.posts.definition)
  })

  test('a dry run tells and changes nothing', async () => {
    const { changes } = await server.collections.put('posts', {}, { dryRun: true })
    expect(changes.map(({ kind }) => kind)).toContain('drop_index')
    expect(await server.collections.get('posts')).toMatchObject(schema.collections.posts.definition)
  })

  test('a deleted collection is gone', async () => {
    await server.collections.delete('teams')
    await expect(server.collection('teams').find()).rejects.toMatchObject({ code: 'not_found', status: 404 })
  })

  test('a publishable key may not define', async () => {
    await expect(app.collections.list()).rejects.toMatchObject({
      code: expect.stringMatching(/forbidden|unauthenticated/),
    })
  })
})

describe('documents', () => {
  test('live through creation, change and deletion', async () => {
    const posts = server.collection('posts')
    const post = await posts.create(draft)
    expect(post).toMatchObject({ ...draft, version: 1 })
    expect(await posts.get(post.id)).toEqual(post)

    const changed = await posts.update(post.id, {
      votes: { $increment: 2 },
      tags: { $addUnique: ['a', 'b', 'a'] },
    })
    expect(changed).toMatchObject({ votes: 2, tags: ['a', 'b'], version: 2 })
    expect(await posts.update(post.id, { votes: null, tags: { $remove: 'a' } })).not.toHaveProperty('votes')

    const replaced = await posts.replace(post.id, { ...draft, title: 'New' }, { ifVersion: 3 })
    expect(replaced).toMatchObject({ title: 'New', tags: [], version: 4 })
    expect(replaced.createdAt).toBe(post.createdAt)

    await posts.delete(post.id, { ifVersion: 4 })
    await expect(posts.get(post.id)).rejects.toMatchObject({ code: 'not_found' })
  })

  test('an outdated version changes nothing', async () => {
    const posts = server.collection('posts')
    const { id } = await posts.create(draft)
    await posts.update(id, { title: 'Second' })
    for (const attempt of [
      () => posts.update(id, { title: 'Lost' }, { ifVersion: 1 }),
      () => posts.replace(id, draft, { ifVersion: 1 }),
      () => posts.replace(id, draft, { ifNoneMatch: '*' }),
      () => posts.delete(id, { ifVersion: 1 }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'version_mismatch', status: 412 })
    }
    expect(await posts.get(id)).toMatchObject({ title: 'Second', version: 2 })
  })

  test('faults name their fields', async () => {
    const error = await server
      .collection('posts')
      .create({ ...draft, title: 'x'.repeat(81) })
      .catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(BasaltError)
    expect(error).toMatchObject({ code: 'validation_failed', status: 422, errors: [{ path: 'title' }] })
    expect(error).toHaveProperty('requestId', expect.stringMatching(/./))
  })

  test('a taken id is refused', async () => {
    const posts = server.collection('posts')
    await posts.create({ ...draft, id: 'one' })
    await expect(posts.create({ ...draft, id: 'one' })).rejects.toMatchObject({
      code: 'already_exists',
      status: 409,
    })
  })
})

describe('rules hold for apps', () => {
  test('what may not be read is not there', async () => {
    await server.collection('posts').create({ ...draft, id: 'hidden' })
    await server.collection('posts').create({ ...draft, id: 'shown', status: 'live' })
    await expect(app.collection('posts').get('hidden')).rejects.toMatchObject({ code: 'not_found' })
    expect(await app.collection('posts').count()).toBe(1)
    expect((await app.collection('posts').find()).documents).toMatchObject([{ id: 'shown' }])
  })

  test('what may not be written is refused', async () => {
    const posts = app.collection('posts')
    await expect(posts.create({ ...draft, status: 'live' })).rejects.toMatchObject({
      code: 'forbidden',
      status: 403,
    })
    const { id } = await posts.create(draft)
    await expect(posts.update(id, { status: 'live' })).rejects.toBeInstanceOf(BasaltError)
    expect(await server.collection('posts').get(id)).toMatchObject({ status: 'draft', version: 1 })
  })

  test('a hidden field is neither shown nor asked about, included or not', async () => {
    await server.collection('authors').create({ id: 'ada', name: 'Ada', email: 'ada@example.com' })
    await server.collection('posts').create({ ...draft, status: 'live' })
    expect(await app.collection('authors').get('ada')).not.toHaveProperty('email')
    const post = await app.collection('posts').include('author').first()
    expect(post?.author).toMatchObject({ name: 'Ada' })
    expect(post?.author).not.toHaveProperty('email')
  })
})

describe('queries', () => {
  beforeEach(async () => {
    await server.collection('teams').create({ id: 'red', name: 'Red' })
    await server.collection('authors').create({ id: 'ada', name: 'Ada', team: 'red' })
    await server.collection('authors').create({ id: 'alan', name: 'Alan' })
    await server.collection('posts').import(
      Array.from({ length: 25 }, (_, i) => ({
        id: `p${i}`,
        title: i % 5 === 0 ? `Flying owls ${i}` : `Post ${i}`,
        status: i % 2 === 0 ? ('live' as const) : ('draft' as const),
        votes: i % 7,
        tags: i % 3 === 0 ? ['fizz', 'news'] : ['news'],
        author: i % 2 === 0 ? 'ada' : 'nobody',
        readers: ['ada', 'alan', 'nobody'],
        place: { type: 'Point' as const, coordinates: [i, 0] as [number, number] },
      })),
    )
  })

  test('filter, sort, and walk every document once, in order', async () => {
    const query = server
      .collection('posts')
      .where({ status: 'live', votes: { $gte: 2 } })
      .orderBy('-votes', 'title')
      .limit(3)
    const walked: { votes?: number; title: string; id: string }[] = []
    for await (const post of query) walked.push(post)
    const expected = Array.from({ length: 25 }, (_, i) => i).filter((i) => i % 2 === 0 && i % 7 >= 2)
    expect(walked.map(({ id }) => id).sort()).toEqual(expected.map((i) => `p${i}`).sort())
    const inOrder = [...walked].sort((a, b) => b.votes! - a.votes! || (a.title < b.title ? -1 : 1))
    expect(walked).toEqual(inOrder)
    expect(await query.count()).toBe(expected.length)
  })

  test('a page says where the next begins', async () => {
    const query = server.collection('posts').orderBy('createdAt', 'id').limit(20)
    const first = await query.find({ count: true })
    expect(first.count).toBe(25)
    const second = await query.after(first.nextCursor).find()
    expect([first.documents.length, second.documents.length, second.nextCursor]).toEqual([20, 5, null])
  })

  test('includes put documents in the place of references', async () => {
    const post = await server
      .collection('posts')
      .include('author', 'author.team', 'readers')
      .where({ id: 'p0' })
      .first()
    expect(post?.author?.team?.name).toBe('Red')
    expect(post?.readers?.map(({ name }) => name)).toEqual(['Ada', 'Alan'])
    const orphan = await server.collection('posts').get('p1', { include: ['author'] })
    expect(orphan.author).toBeNull()
  })

  test('a selection answers nothing else', async () => {
    const posts = server.collection('posts')
    const selected = await posts.where({ id: 'p2' }).include('author').select('title', 'author.name').first()
    expect(selected).toEqual({ id: 'p2', title: 'Post 2', author: { name: 'Ada' } })
    expect(await posts.get('p2', { fields: ['votes'] })).toEqual({ id: 'p2', votes: 2 })
  })

  test('operators by the type of the field', async () => {
    const posts = server.collection('posts')
    const ids = async (query: ReturnType<typeof posts.where>) =>
      (await query.find()).documents.map(({ id }) => id).sort()
    expect(await ids(posts.where({ $search: 'owl fly' }))).toEqual(['p0', 'p10', 'p15', 'p20', 'p5'])
    expect(await ids(posts.where({ tags: { $containsAll: ['fizz', 'news'] }, votes: 0 }))).toEqual([
      'p0',
      'p21',
    ])
    expect(await ids(posts.where({ title: { $startsWith: 'Post 2' }, votes: { $lt: 3 } }))).toEqual([
      'p2',
      'p21',
      'p22',
      'p23',
    ])
    expect(await ids(posts.where({ place: { $withinBox: [20.5, -1, 22.5, 1] } }))).toEqual(['p21', 'p22'])
    const near = posts.where({ place: { $near: { point: [7.2, 0] } } }).limit(3)
    expect((await near.find()).documents.map(({ id }) => id)).toEqual(['p7', 'p8', 'p6'])
  })

  test('a filter too long for an address', async () => {
    const unknown = Array.from({ length: 200 }, (_, i) => `none-${i}-${'x'.repeat(20)}`)
    const query = server.collection('posts').where({ id: { $in: ['p3', ...unknown] } })
    expect(await query.include('author').select('title').find({ count: true })).toMatchObject({
      documents: [{ id: 'p3', title: 'Post 3' }],
      count: 1,
    })
  })

  test('groups are counted and summed', async () => {
    const groups = await server
      .collection('posts')
      .where({ votes: { $gt: 0 } })
      .aggregate({
        groupBy: ['status'],
        select: { n: { $count: true }, votes: { $sum: 'votes' }, most: { $max: 'votes' } },
        having: { n: { $gt: 1 } },
        sort: ['-status'],
      })
    const facts = (even: boolean) => {
      const votes = Array.from({ length: 25 }, (_, i) => i).filter((i) => i % 7 > 0 && (i % 2 === 0) === even)
      return { n: votes.length, votes: votes.reduce((sum, i) => sum + (i % 7), 0), most: 6 }
    }
    expect(groups).toEqual([
      { status: 'live', ...facts(true) },
      { status: 'draft', ...facts(false) },
    ])
  })

  test('what was exported is what was stored', async () => {
    const exported: string[] = []
    for await (const post of server.collection('posts').export()) exported.push(post.id)
    expect(exported.sort()).toEqual(Array.from({ length: 25 }, (_, i) => `p${i}`).sort())
  })
})

describe('bulk', () => {
  test('thousands of documents go in and come out', async () => {
    const teams = server.collection('teams')
    const summary = await teams.import(
      Array.from({ length: 2_500 }, (_, i) => ({ id: `t${i}`, name: `Team ${i} ü` })),
    )
    expect(summary).toEqual({ imported: 2_500, failed: 0, errors: [] })
    const names = new Set<string>()
    for await (const { name } of teams.export()) names.add(name)
    expect(names.size).toBe(2_500)
  })

  test('faulty documents are named and the others stored', async () => {
    const teams = server.collection('teams')
    const documents = [
      { id: 'a', name: 'A' },
      { id: 'a', name: 'again' },
      { name: 7 as unknown as string },
      { name: 'B' },
    ]
    const { imported, failed, errors } = await teams.import(documents, { batchSize: 1 })
    expect({ imported, failed }).toEqual({ imported: 2, failed: 2 })
    expect(errors.map(({ line, code }) => [line, code])).toEqual([
      [2, 'already_exists'],
      [3, 'validation_failed'],
    ])
    expect(await teams.import([{ id: 'a', name: 'New' }], { onConflict: 'replace' })).toMatchObject({
      imported: 1,
    })
    expect(await teams.get('a')).toMatchObject({ name: 'New', version: 2 })
  })
})

describe('transactions', () => {
  test('write everything', async () => {
    await server.collection('teams').create({ id: 'red', name: 'Red' })
    const [author, team, gone] = await server.transaction((tx) => [
      tx.create('authors', { id: 'ada', name: 'Ada', team: 'red' }),
      tx.update('teams', 'red', { name: 'Crimson' }, { ifVersion: 1 }),
      tx.check('teams', 'red', { ifVersion: 2 }),
    ])
    expect(author).toMatchObject({ id: 'ada', version: 1 })
    expect(team).toMatchObject({ name: 'Crimson', version: 2 })
    expect(gone).toBeNull()
    expect(await server.collection('authors').get('ada')).toEqual(author)
  })

  test('or nothing, and name the operation that failed', async () => {
    await server.collection('teams').create({ id: 'red', name: 'Red' })
    const failing = server.transaction((tx) => {
      tx.create('authors', { id: 'ada', name: 'Ada' })
      tx.update('teams', 'red', { name: 'Crimson' }, { ifVersion: 9 })
    })
    await expect(failing).rejects.toMatchObject({
      code: 'version_mismatch',
      errors: [{ path: expect.stringContaining('operations[1]') }],
    })
    expect(await server.collection('authors').count()).toBe(0)
    expect(await server.collection('teams').get('red')).toMatchObject({ name: 'Red', version: 1 })
  })
})

describe('a lost answer', () => {
  test('creates no second document', async () => {
    const unlucky = project.serverOver(losingTheFirstAnswer())
    const post = await unlucky.collection('posts').create(draft)
    expect((await server.collection('posts').find()).documents).toEqual([post])
  })

  test('increments once', async () => {
    const { id } = await server.collection('posts').create({ ...draft, votes: 1 })
    const unlucky = project.serverOver(losingTheFirstAnswer())
    expect(await unlucky.collection('posts').update(id, { votes: { $increment: 1 } })).toMatchObject({
      votes: 2,
    })
    expect(await server.collection('posts').get(id)).toMatchObject({ votes: 2, version: 2 })
  })

  test('deletes without an error', async () => {
    const { id } = await server.collection('posts').create(draft)
    const unlucky = project.serverOver(losingTheFirstAnswer())
    await unlucky.collection('posts').delete(id)
    expect(await server.collection('posts').count()).toBe(0)
  })

  test('runs a transaction once', async () => {
    await server.collection('posts').create({ ...draft, id: 'p', votes: 1 })
    const unlucky = project.serverOver(losingTheFirstAnswer())
    const [post] = await unlucky.transaction((tx) => [tx.update('posts', 'p', { votes: { $increment: 1 } })])
    expect(post).toMatchObject({ votes: 2 })
    expect(await server.collection('posts').get('p')).toEqual(post)
  })
})

test('changes tell every write in order, with what was before', async () => {
  const posts = server.collection('posts')
  const created = await posts.create({ ...draft, id: 'p' })
  const updated = await posts.update('p', { title: 'New' })
  await posts.delete('p')
  await server.collection('teams').import(Array.from({ length: 5 }, (_, i) => ({ name: `Team ${i}` })))

  const changes: Change<typeof schema>[] = []
  for await (const change of server.changes({ limit: 3 })) changes.push(change)
  expect(changes.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  expect(changes.slice(0, 3)).toMatchObject([
    { kind: 'create', collection: 'posts', id: 'p', document: created, before: null },
    { kind: 'update', document: updated, before: created },
    { kind: 'delete', document: null, before: updated },
  ])
  await expect(app.changes().next()).rejects.toBeInstanceOf(BasaltError)
})
