import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { documentsOf, faultsOf, type TestDocuments } from './documents-of.ts'
import { acceptTestUsers } from './sign-in-as.ts'

let server: TestServer
let project: TestProject
let posts: TestDocuments
const ada = { as: 'user:ada' }

beforeAll(async () => {
  server = await startTestServer()
  acceptTestUsers(server)
  project = await server.createProject()
  await project.defineCollection('countries', { rules: { read: 'true' } })
  await project.defineCollection('teams', {
    rules: { read: 'true' },
    fields: { country: { relation: 'countries' }, boss: { relation: 'people' } },
  })
  await project.defineCollection('people', {
    rules: { read: 'doc.public == true || doc.id == auth.uid' },
    fields: { team: { relation: 'teams' }, mail: { read: 'doc.id == auth.uid' } },
  })
  await project.defineCollection('posts', {
    rules: { read: 'true', list: 'true' },
    fields: {
      author: { relation: 'people' },
      readers: { relation: 'people' },
      lost: { relation: 'nowhere' },
    },
  })
  posts = documentsOf(project, 'posts')
  await documentsOf(project, 'countries').create({ id: 'no', name: 'Norway' })
  await documentsOf(project, 'teams').create({ id: 'red', country: 'no', boss: 'ada' })
  const people = documentsOf(project, 'people')
  await people.create({ id: 'ada', name: 'Ada', team: 'red', mail: 'a@b', public: true })
  await people.create({ id: 'bob', name: 'Bob', team: 'blue', mail: 'b@b' })
  await posts.create({ id: 'p1', author: 'ada', readers: ['bob', 'ada', 'nobody', 'bob'] })
  await posts.create({ id: 'p2', author: 'bob', readers: 'bob', more: 1 })
  await posts.create({ id: 'p3', author: 'nobody' })
  await posts.create({ id: 'p4', author: 7, readers: [{ id: 'ada' }, null] })
})

afterAll(() => server.stop())

const read = async (id: string, include: string, options = {}) =>
  (await posts.get(id, { query: `?include=${include}`, ...options })).body

test('a related document stands in the place of its id, three relations deep', async () => {
  const { author } = await read('p1', 'author,author.team.country')
  expect(author).toMatchObject({
    id: 'ada',
    name: 'Ada',
    mail: 'a@b',
    version: 1,
    team: { id: 'red', boss: 'ada', country: { id: 'no', name: 'Norway' } },
  })
})

test('a list of ids becomes a list of documents, without those that are missing', async () => {
  const { readers } = await read('p1', 'readers')
  expect(readers.map(({ id }: { id: string }) => id)).toEqual(['bob', 'ada', 'bob'])
})

test('what is missing or no id becomes null', async () => {
  expect((await read('p3', 'author,readers')).author).toBeNull()
  expect(await read('p3', 'author,readers')).not.toHaveProperty('readers')
  expect(await read('p4', 'author,readers')).toMatchObject({ author: null, readers: [] })
  expect((await read('p2', 'author.team')).author).toMatchObject({ id: 'bob', team: null })
})

test('the rules of what is included decide', async () => {
  const anonymous = { as: project.publishable }
  expect((await read('p1', 'author,readers', anonymous)).author).toMatchObject({ id: 'ada', name: 'Ada' })
  expect((await read('p1', 'author', anonymous)).author).not.toHaveProperty('mail')
  expect((await read('p1', 'author', ada)).author.mail).toBe('a@b')
  expect((await read('p2', 'author', anonymous)).author).toBeNull()
  const { readers } = await read('p1', 'readers', anonymous)
  expect(readers.map(({ id }: { id: string }) => id)).toEqual(['ada'])
  const { body } = await posts.query({ include: ['author', 'author.team.boss'], sort: 'id' }, anonymous)
  expect(body.documents[0].author.team.boss).not.toHaveProperty('mail')
  expect(body.documents[1].author).toBeNull()
})

test('fields select inside of what is included', async () => {
  const { body } = await posts.query({
    where: { id: 'p1' },
    include: 'author.team',
    fields: 'author.name,author.team.id',
  })
  expect(body.documents).toEqual([{ id: 'p1', author: { name: 'Ada', team: { id: 'red' } } }])
})

test('what is included is never taken for unchanged', async () => {
  const options = { query: '?include=author', headers: { 'if-none-match': '"1"' } }
  expect((await posts.get('p1', options)).status).toBe(200)
})

test.each([
  ['author.team.country.king', 'include[0] too_deep'],
  ['more', 'include unknown_relation'],
  ['author.name', 'include unknown_relation'],
  ['lost', 'include unknown_relation'],
  ['author,,readers', 'include[1] invalid_path'],
  ['__proto__', 'include[0] invalid_path'],
  ['toString', 'include unknown_relation'],
])('%s is refused: %s', async (include, fault) => {
  for (const answer of [
    await posts.get('p1', { query: `?include=${include}` }),
    await posts.query({ include }),
  ]) {
    expect([answer.status, faultsOf(answer)]).toEqual([400, [fault]])
  }
})

test('the number of statements does not grow with the number of documents', async () => {
  for (let n = 0; n < 40; n++)
    await posts.create({ id: `many${n}`, author: n % 2 ? 'ada' : 'bob', kind: 'many' })
  const query = vi.spyOn(server.services.db, 'query')
  const statements = async (limit: number) => {
    query.mockClear()
    const { body } = await posts.query({ where: { kind: 'many' }, include: 'author.team.country', limit })
    expect(body.documents).toHaveLength(limit)
    return query.mock.calls.length
  }
  const few = await statements(2)
  expect(few).toBe(4)
  expect(await statements(40)).toBe(few)
  query.mockRestore()
})
