import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { documentsOf, faultsOf, idsOf, type TestDocuments } from './documents-of.ts'
import { acceptTestUsers } from './sign-in-as.ts'

let server: TestServer
let project: TestProject
let posts: TestDocuments
let anonymous: { as: string }
const ada = { as: 'user:ada' }
const bob = { as: 'user:bob' }
const editor = { as: 'user:eve:editor' }

beforeAll(async () => {
  server = await startTestServer()
  acceptTestUsers(server)
  project = await server.createProject()
  anonymous = { as: project.publishable }
  await project.defineCollection('closed')
  await project.defineCollection('teams', { fields: { secret: { read: 'false' } } })
  await project.defineCollection('posts', {
    rules: {
      read: 'doc.public == true || doc.owner == auth.uid || "editor" in auth.roles',
      list: 'doc.public == true || doc.owner == auth.uid',
      create: 'auth != null && doc.owner == auth.uid',
      update: '(before.owner == auth.uid && doc.owner == before.owner) || "editor" in auth.roles',
      delete: 'before.owner == auth.uid && exists("teams", {"members": {"$contains": auth.uid}})',
    },
    fields: {
      salary: { read: 'doc.owner == auth.uid', write: '"editor" in auth.roles' },
      'inside.secret': { read: 'auth != null' },
      'items.cost': { read: 'false', write: 'false' },
    },
  })
  posts = documentsOf(project, 'posts')
  await documentsOf(project, 'teams').create({ id: 'red', members: ['ada'], secret: 's' })
})

afterAll(() => server.stop())

async function post(data: object): Promise<string> {
  return (await posts.create(data)).body.id
}

describe('without rules nothing is allowed', () => {
  test.each(['anonymous', 'a user'])('to %s', async (who) => {
    const as = who === 'anonymous' ? anonymous : ada
    const closed = documentsOf(project, 'closed')
    const { id } = (await closed.create({ a: 1 })).body
    const codes = [
      await closed.get(id, as),
      await closed.list({}, as),
      await closed.query({}, as),
      await closed.aggregate({ select: { n: { $count: true } } }, as),
      await closed.create({ a: 1 }, as),
      await closed.patch(id, { a: 2 }, as),
      await closed.put(id, { a: 2 }, as),
      await closed.put('new', { a: 2 }, as),
      await closed.remove(id, as),
    ].map(({ status }) => status)
    expect(codes).toEqual([404, 403, 403, 403, 403, 404, 404, 403, 404])
    expect((await closed.get(id)).body).toMatchObject({ a: 1, version: 1 })
  })
})

describe('reading and listing', () => {
  test('one document by the rule of reading; what may not be read is 404', async () => {
    const id = await post({ owner: 'ada' })
    expect((await posts.get(id, ada)).status).toBe(200)
    expect((await posts.get(id, editor)).status).toBe(200)
    for (const stranger of [bob, anonymous]) {
      const answer = await posts.get(id, stranger)
      const missing = await posts.get('missing', stranger)
      expect([answer.status, answer.body.code, answer.body.title]).toEqual([
        404,
        'not_found',
        missing.body.title,
      ])
    }
  })

  test('queries, counts and aggregates hold only what the rule of listing lets through', async () => {
    const kind = `k${Date.now()}`
    const own = await post({ kind, owner: 'ada', votes: 1 })
    const open = await post({ kind, owner: 'bob', public: true, votes: 10 })
    await post({ kind, owner: 'bob', votes: 100 })
    const seen = async (as: { as: string }) => {
      const { body } = await posts.query({ where: { kind }, sort: 'votes', count: true }, as)
      const sum = await posts.aggregate({ where: { kind }, select: { votes: { $sum: 'votes' } } }, as)
      return [idsOf({ body } as never), body.count, sum.body.groups[0].votes]
    }
    expect(await seen(ada)).toEqual([[own, open], 2, 11])
    expect(await seen(anonymous)).toEqual([[open], 1, 10])
    // Reading is not listing: the editor may read each, and lists none but the public.
    expect(await seen(editor)).toEqual([[open], 1, 10])
  })

  test('pages are full although most documents may not be seen', async () => {
    const kind = `p${Date.now()}`
    for (let n = 0; n < 30; n++) await post({ kind, n, owner: 'x', public: n % 3 === 0 })
    const first = await posts.query({ where: { kind }, sort: 'n', limit: 6 }, anonymous)
    expect(first.body.documents.map(({ n }: { n: number }) => n)).toEqual([0, 3, 6, 9, 12, 15])
    const rest = await posts.query({ where: { kind }, sort: 'n', after: first.body.nextCursor }, anonymous)
    expect(rest.body.documents.map(({ n }: { n: number }) => n)).toEqual([18, 21, 24, 27])
  })
})

describe('writing', () => {
  test('a creation is judged by what would be stored', async () => {
    expect((await posts.create({ owner: 'ada' }, ada)).status).toBe(201)
    const refused = await posts.create({ owner: 'bob' }, ada)
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
    expect((await posts.create({ owner: 'ada' }, anonymous)).status).toBe(403)
  })

  test('an update is judged by before and after', async () => {
    const id = await post({ owner: 'ada', public: true })
    expect((await posts.patch(id, { title: 'x' }, ada)).status).toBe(200)
    expect((await posts.patch(id, { owner: 'bob' }, ada)).status).toBe(403)
    expect((await posts.put(id, { owner: 'bob' }, bob)).status).toBe(403)
    expect((await posts.get(id)).body).toMatchObject({ owner: 'ada', title: 'x', version: 2 })
  })

  test('a refusal is 403 to who may read the document, and 404 to others', async () => {
    const open = await post({ owner: 'ada', public: true })
    const own = await post({ owner: 'ada' })
    for (const [id, status] of [
      [open, 403],
      [own, 404],
    ] as const) {
      expect((await posts.patch(id, { a: 1 }, bob)).status).toBe(status)
      expect((await posts.remove(id, bob)).status).toBe(status)
      expect((await posts.put(id, { a: 1 }, bob)).status).toBe(status)
    }
  })

  test('nothing about a hidden document is told by what is wrong with a patch', async () => {
    await project.defineCollection('ledger', {
      schema: { properties: { n: { maximum: 10 } } },
      rules: { update: 'auth.uid == "ada"', read: 'auth.uid == "ada"' },
    })
    const ledger = documentsOf(project, 'ledger')
    await ledger.create({ id: 'one', n: 9, s: 'text' })
    for (const patch of [
      { s: { $increment: 1 } },
      { n: { $append: 1 } },
      { n: { $increment: 5 } },
      { n: { $wrong: 5 } },
      { _n: 1 },
      { n: 1 },
    ]) {
      const [hidden, missing] = [await ledger.patch('one', patch, bob), await ledger.patch('two', patch, bob)]
      expect([patch, hidden.status, hidden.body.errors]).toEqual([patch, 404, missing.body.errors])
    }
    expect((await ledger.patch('one', { n: { $increment: 5 } }, ada)).status).toBe(422)
    const ifMatch = { headers: { 'if-match': '"7"' } }
    expect((await ledger.patch('one', { n: 1 }, { ...bob, ...ifMatch })).status).toBe(404)
    expect((await ledger.remove('one', { ...bob, ...ifMatch })).status).toBe(404)
  })

  test('exists() looks at what stands in another collection', async () => {
    const byAda = await post({ owner: 'ada' })
    const byBob = await post({ owner: 'bob' })
    expect((await posts.remove(byAda, ada)).status).toBe(204)
    expect((await posts.remove(byBob, bob)).status).toBe(403)
  })

  test('get() reads another document, hidden fields included', async () => {
    await project.defineCollection('rooms', {
      rules: {
        create: 'get("teams", doc.team).secret == "s"',
        read: 'auth.uid in get("teams", doc.team).members',
        list: 'true',
      },
    })
    const rooms = documentsOf(project, 'rooms')
    const { status, body } = await rooms.create({ team: 'red' }, bob)
    expect(status).toBe(201)
    expect((await rooms.get(body.id, ada)).status).toBe(200)
    expect((await rooms.get(body.id, bob)).status).toBe(404)
    for (const team of ['blue', '', 7, null, { a: 1 }, 'x'.repeat(2000)]) {
      expect([team, (await rooms.create({ team }, bob)).status]).toEqual([team, 403])
    }
  })

  test('who may create and not read sees what was sent, and afterwards nothing', async () => {
    await project.defineCollection('inbox', { rules: { create: 'true', update: 'true' } })
    const inbox = documentsOf(project, 'inbox')
    const { body } = await inbox.create({ text: 'hello' }, anonymous)
    expect(body.text).toBe('hello')
    expect((await inbox.get(body.id, anonymous)).status).toBe(404)
    const patched = await inbox.patch(body.id, { more: 1 }, anonymous)
    expect([patched.status, Object.keys(patched.body)]).toEqual([
      200,
      ['id', 'createdAt', 'updatedAt', 'version'],
    ])
  })
})

describe('fields', () => {
  test('a hidden field is left out wherever the document is shown', async () => {
    const id = await post({ owner: 'ada', public: true, salary: 7, inside: { secret: 1, open: 2 } })
    const shown = (body: Record<string, unknown>) => [body['salary'], body['inside']]
    expect(shown((await posts.get(id, ada)).body)).toEqual([7, { secret: 1, open: 2 }])
    expect(shown((await posts.get(id, bob)).body)).toEqual([undefined, { secret: 1, open: 2 }])
    expect(shown((await posts.get(id, anonymous)).body)).toEqual([undefined, { open: 2 }])
    const listed = await posts.query({ where: { id } }, anonymous)
    expect(shown(listed.body.documents[0])).toEqual([undefined, { open: 2 }])
    const selected = await posts.get(id, { ...anonymous, query: '?fields=salary,inside.secret' })
    expect(selected.body).toEqual({ id, inside: {} })
    expect(shown((await posts.patch(id, { a: 1 }, editor)).body)).toEqual([undefined, { secret: 1, open: 2 }])
    expect(shown((await posts.get(id)).body)).toEqual([7, { secret: 1, open: 2 }])
  })

  test('a hidden field is left out of each object of a list', async () => {
    const items = [{ cost: 1, name: 'a' }, 'text', [{ cost: 2 }]]
    const id = await post({ owner: 'ada', items })
    expect((await posts.get(id, ada)).body.items).toEqual([{ name: 'a' }, 'text', [{}]])
    expect((await posts.get(id)).body.items).toEqual(items)
  })

  test('a field that may not be written can be sent unchanged, and not changed', async () => {
    const id = await post({ owner: 'ada', salary: 7 })
    expect((await posts.patch(id, { salary: 7, a: 1 }, ada)).status).toBe(200)
    for (const patch of [{ salary: 8 }, { salary: null }, { salary: { $increment: 1 } }]) {
      const refused = await posts.patch(id, patch, ada)
      expect([refused.status, faultsOf(refused)]).toEqual([403, ['salary forbidden']])
    }
    expect((await posts.put(id, { owner: 'ada' }, ada)).status).toBe(403)
    expect((await posts.create({ owner: 'ada', salary: 1 }, ada)).status).toBe(403)
    expect((await posts.create({ owner: 'ada', items: [{ cost: 1 }] }, ada)).status).toBe(403)
    expect((await posts.patch(id, { salary: 9 }, editor)).status).toBe(200)
  })

  test.each([
    ['a filter', { where: { salary: 7 } }],
    [
      'a filter deep inside',
      { where: { $or: [{ a: 1 }, { $not: { 'inside.secret': { $exists: true } } }] } },
    ],
    ['a filter around it', { where: { inside: { secret: 1 } } }],
    ['a filter inside of it', { where: { 'salary.amount': { $gt: 1 } } }],
    ['a filter on a list around it', { where: { items: { $contains: { cost: 1 } } } }],
    ['a sort', { sort: '-salary' }],
  ])('%s on a hidden field is refused', async (_name, query) => {
    const refused = await posts.query(query, anonymous)
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
    expect((await posts.query({ ...query, count: true }, anonymous)).status).toBe(403)
    expect((await posts.query(query)).status).toBe(200)
  })

  test.each([
    ['a group', { groupBy: ['salary'], select: { n: { $count: true } } }],
    ['a value', { select: { n: { $max: 'salary' } } }],
    ['a filter', { where: { salary: 1 }, select: { n: { $count: true } } }],
    ['a group around it', { groupBy: ['inside'], select: { n: { $count: true } } }],
  ])('%s of an aggregate on a hidden field is refused', async (_name, query) => {
    expect((await posts.aggregate(query, anonymous)).status).toBe(403)
    expect((await posts.aggregate(query)).status).toBe(200)
  })
})

test('a rule that fails inside refuses', async () => {
  await project.defineCollection('odd', {
    rules: {
      create: 'doc.a.b.c > 1',
      read: 'doc.list[5] == 1 || doc.n / 0 == 1',
      list: 'doc.name.startsWith("a")',
    },
  })
  const odd = documentsOf(project, 'odd')
  for (const data of [{}, { a: 1 }, { a: { b: [] } }, { a: { b: { c: 'x' } } }]) {
    expect((await odd.create(data, anonymous)).status).toBe(403)
  }
  const { id } = (await odd.create({ list: [], n: 1, name: 7 })).body
  expect((await odd.get(id, anonymous)).status).toBe(404)
  expect((await odd.list({}, anonymous)).body.documents).toEqual([])
})

test('operators and secret keys pass by role and scope', async () => {
  const closed = documentsOf(project, 'closed')
  expect((await closed.create({ a: 1 }, { as: server.operator })).status).toBe(201)
  const { body } = await project.call('POST', '/keys', {
    as: server.operator,
    body: { name: 'reader', kind: 'secret', scopes: ['documents:read'] },
  })
  const reader = { as: body.secret ?? body.value ?? body.key }
  expect((await closed.list({}, reader)).status).toBe(200)
  expect((await closed.create({ a: 1 }, reader)).status).toBe(403)
  expect((await posts.put('new', { a: 1 }, reader)).status).toBe(403)
})
