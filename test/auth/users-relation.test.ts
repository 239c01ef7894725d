import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject
let ada: { id: string; token: string }
let eve: { id: string; token: string }
const users = '/collections/users/documents'

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  ada = await signUp('ada@example.com')
  eve = await signUp('eve@example.com')
  await project.call('PATCH', `/users/${ada.id}`, { body: { profile: { name: 'Ada' }, roles: ['author'] } })
})

afterAll(() => server.stop())

async function signUp(email: string): Promise<{ id: string; token: string }> {
  const body = { email, password: 'a rather long phrase' }
  const answer = await project.call('POST', '/auth/sign-up', { as: project.publishable, body })
  return { id: answer.body.user.id, token: answer.body.accessToken }
}

const get = (path: string, as?: string) => project.call('GET', path, { as: as ?? project.secret })

test('users read themselves as a document, and nobody else', async () => {
  const mine = await get(`${users}/${ada.id}`, ada.token)
  expect(mine.body).toMatchObject({
    id: ada.id,
    email: 'ada@example.com',
    profile: { name: 'Ada' },
    roles: ['author'],
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    version: expect.any(Number),
  })
  expect(JSON.stringify(mine.body)).not.toMatch(/argon2|passwordHash/i)
  expect((await get(`${users}/${ada.id}`, eve.token)).status).toBe(404)
  expect((await get(`${users}/${ada.id}`, project.publishable)).status).toBe(404)
  expect((await get(users, ada.token)).status).toBe(403)
})

test('servers query them; a key for documents alone does not', async () => {
  const where = encodeURIComponent(JSON.stringify({ roles: { $contains: 'author' } }))
  const found = await get(`${users}?where=${where}&sort=-email&count=true`)
  expect(found.body).toMatchObject({ documents: [{ id: ada.id }], count: 1 })
  const body = { name: 'k', kind: 'secret', scopes: ['documents:read'] }
  const { key } = (await project.call('POST', '/keys', { as: server.operator, body })).body
  expect((await get(`${users}/${ada.id}`, key)).status).toBe(404)
  expect((await get(users, key)).status).toBe(403)
  expect((await get(`${users}/export`, key)).status).toBe(403)
  await project.defineCollection('owned', { fields: { owner: { relation: 'users' } } })
  const made = await project.call('POST', '/collections/owned/documents', { body: { owner: ada.id } })
  const shown = await get(`/collections/owned/documents/${made.body.id}?include=owner`, key)
  expect(shown.body.owner).toBeNull()
})

test('rules look users up', async () => {
  await project.defineCollection('articles', {
    rules: {
      create: `'author' in get('users', auth.uid).roles`,
      list: `exists('users', {'id': doc.author, 'isSuspended': false})`,
    },
  })
  const create = (as: string) =>
    project.call('POST', '/collections/articles/documents', { as, body: { author: ada.id } })
  expect((await create(ada.token)).status).toBe(201)
  expect((await create(eve.token)).status).toBe(403)
  const list = async () => (await get('/collections/articles/documents', eve.token)).body.documents
  expect(await list()).toHaveLength(1)
  await project.call('PATCH', `/users/${ada.id}`, { body: { suspended: true } })
  expect(await list()).toHaveLength(0)
  await project.call('PATCH', `/users/${ada.id}`, { body: { suspended: false } })
})

test('documents include their users, as far as the project shows them', async () => {
  const own = await server.createProject('Blog')
  const post = (path: string, as: string, body: object) => own.call('POST', path, { as, body })
  const credentials = (email: string) => ({
    email,
    password: 'a rather long phrase',
    profile: { name: email },
  })
  const author = (await post('/auth/sign-up', own.publishable, credentials('author@example.com'))).body
  const reader = (await post('/auth/sign-up', own.publishable, credentials('reader@example.com'))).body
  await own.defineCollection('posts', { rules: { read: 'true' }, fields: { author: { relation: 'users' } } })
  const made = await post('/collections/posts/documents', own.secret, { author: author.user.id })
  const shown = async (as: string) =>
    (await own.call('GET', `/collections/posts/documents/${made.body.id}?include=author`, { as })).body.author
  expect(await shown(reader.accessToken)).toBeNull()
  const opened = await own.call('PUT', '/collections/users', { body: { rules: { read: 'auth != null' } } })
  expect(opened.status).toBe(200)
  expect(await shown(own.publishable)).toBeNull()
  const seen = await shown(reader.accessToken)
  expect(seen).toMatchObject({ profile: { name: 'author@example.com' }, roles: [] })
  expect(Object.keys(seen).toSorted()).toEqual([
    'createdAt',
    'id',
    'isAnonymous',
    'profile',
    'roles',
    'updatedAt',
    'version',
  ])
  expect(await shown(author.accessToken)).toMatchObject({ email: 'author@example.com' })
  await own.call('PUT', '/collections/users', {
    body: {
      rules: { read: 'auth != null', list: 'auth != null' },
      fields: { email: { read: 'auth != null' } },
    },
  })
  expect(await shown(reader.accessToken)).toMatchObject({ email: 'author@example.com' })
  const hidden = encodeURIComponent(JSON.stringify({ phone: '+49' }))
  const probe = await own.call('GET', `/collections/users/documents?where=${hidden}`, {
    as: reader.accessToken,
  })
  expect(probe.status).toBe(403)
  await own.call('PUT', '/collections/users', { body: {} })
  expect(await shown(reader.accessToken)).toBeNull()
})

test('the users of another project are not in it', async () => {
  const other = await server.createProject('Other')
  expect((await other.call('GET', `${users}/${ada.id}`)).status).toBe(404)
  expect((await other.call('GET', users)).body.documents).toEqual([])
  await other.defineCollection('posts', { fields: { author: { relation: 'users' } } })
  const made = await other.call('POST', '/collections/posts/documents', { body: { author: ada.id } })
  const shown = await other.call('GET', `/collections/posts/documents/${made.body.id}?include=author`)
  expect(shown.body.author).toBeNull()
})

test('nobody writes users through documents, whatever the key', async () => {
  const before = await get(users)
  const data = { roles: ['admin'] }
  for (const as of [project.secret, server.operator, eve.token, project.publishable]) {
    const operations = ['create', 'update', 'replace', 'delete'].map((op) => ({
      operations: [{ op, collection: 'users', id: eve.id, ...(op !== 'delete' && { data }) }],
    }))
    const attempts = [
      await project.call('POST', users, { as, body: data }),
      await project.call('PATCH', `${users}/${eve.id}`, { as, body: data }),
      await project.call('PATCH', `${users}/nobody`, { as, body: data }),
      await project.call('PUT', `${users}/${eve.id}`, { as, body: data }),
      await project.call('PUT', `${users}/nobody`, { as, body: data }),
      await project.call('DELETE', `${users}/${eve.id}`, { as }),
      await project.call('DELETE', `${users}/nobody`, { as }),
    ]
    for (const body of operations) attempts.push(await project.call('POST', '/transactions', { as, body }))
    expect(new Set(attempts.map(({ status }) => status))).toEqual(new Set([403]))
  }
  const body = `${JSON.stringify({ id: eve.id, ...data })}\n`
  const headers = { 'content-type': 'application/x-ndjson' }
  const imported = await project.call('POST', `${users}/import?onConflict=replace`, { body, headers })
  expect(imported.body).toMatchObject({ imported: 0, errors: [{ code: 'forbidden' }] })
  expect((await get(users)).body).toEqual(before.body)
})

test('only who may read what can be declared of it, and it stays', async () => {
  const put = (body: object) => project.call('PUT', '/collections/users', { body })
  const refused = await put({
    schema: { type: 'object' },
    indexes: [{ fields: ['email'] }],
    rules: { create: 'true', delete: 'true' },
    fields: { roles: { write: 'true' } },
  })
  expect(refused.status).toBe(400)
  expect(refused.body.errors.map(({ path }: { path: string }) => path)).toEqual([
    'schema',
    'indexes',
    'rules.create',
    'rules.delete',
    'fields.roles.write',
  ])
  expect((await project.call('DELETE', '/collections/users')).status).toBe(403)
  expect((await get('/collections/users')).body).toMatchObject({
    name: 'users',
    rules: { read: 'auth.uid == doc.id' },
    fields: { email: { read: 'auth.uid == doc.id' } },
  })
})
