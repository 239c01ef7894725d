import { testUser } from '../support/test-user.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpServer } from '../../src/platform/http-server.ts'
import { registerAccess } from '../../src/projects/check-access.ts'
import { createProjects } from '../../src/projects/projects.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  createKey,
  createOrganization,
  createProject,
  type Node,
  setUpFirstOperator,
  startNode,
  type TestProject,
  withoutId,
} from './start-node.ts'

let database: TestDatabase
let node: Node
let owner: string
let mine: TestProject
let foreign: TestProject

beforeAll(async () => {
  database = await createTestDatabase()
  node = await startNode(database)
  owner = await setUpFirstOperator(node)
  const org = await createOrganization(node, owner)
  mine = await createProject(node, owner, org)
  foreign = await createProject(node, owner, org)
})

afterAll(async () => {
  await node.stop()
  await database.drop()
})

const probe = (call: Parameters<Node['call']>[2], ref = mine.ref) =>
  node.call('GET', `/v1/projects/${ref}/probe`, call)

test('the server refuses to start with a route that does not say who may call it', async () => {
  const { config, log, metrics } = node.services
  const app = await createHttpServer(config, log, metrics)
  registerAccess(app, node.services, createProjects(node.services))
  expect(() => app.get('/v1/forgotten', () => '')).toThrow('GET /v1/forgotten does not say who may call it')
  await app.close()
})

describe('keys', () => {
  test('pass as header, as bearer token and, if publishable, in the address', async () => {
    expect((await probe({ key: mine.publishable })).body).toEqual({ kind: 'anonymous' })
    expect((await probe({ as: mine.publishable })).body).toEqual({ kind: 'anonymous' })
    expect((await probe({ as: mine.secret })).body).toMatchObject({ kind: 'key', scopes: ['*'] })
    expect((await probe({ key: mine.secret })).body).toMatchObject({ kind: 'key' })
    const path = `/v1/projects/${mine.ref}/probe?key=`
    expect((await node.call('GET', path + mine.publishable)).body).toEqual({ kind: 'anonymous' })
    expect((await node.call('GET', path + mine.secret)).status).toBe(401)
  })

  test('of another project look like keys that never were, and so do projects', async () => {
    const invented = await probe({ key: `sk_${'x'.repeat(32)}` })
    expect(invented).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    expect(invented.headers['www-authenticate']).toBe('Bearer')
    for (const key of [foreign.secret, foreign.publishable]) {
      expect(withoutId(await probe({ key }))).toEqual(withoutId(invented))
      expect(withoutId(await probe({ as: key }))).toEqual(withoutId(invented))
      expect(withoutId(await probe({ key }, 'nosuchproject'))).toEqual(withoutId(invented))
    }
    expect(withoutId(await probe({}, 'nosuchproject'))).toEqual(withoutId(await probe({})))
    expect((await probe({})).status).toBe(401)
  })

  test('that have expired are refused, also when they are in memory', async () => {
    const body = { name: 'short', kind: 'secret', expiresAt: new Date(Date.now() + 700).toISOString() }
    const { key } = await createKey(node, owner, mine.ref, body)
    expect((await probe({ key })).status).toBe(200)
    await expect.poll(() => probe({ key }).then((answer) => answer.status), { timeout: 1500 }).toBe(401)
  })

  test('may do what their scopes say, and reading is not part of writing', async () => {
    const withScopes = async (...scopes: string[]) =>
      (await createKey(node, owner, mine.ref, { name: 'scoped', kind: 'secret', scopes })).key
    const reader = await withScopes('documents:read')
    expect((await probe({ key: reader })).status).toBe(200)
    expect((await node.call('GET', `/v1/projects/${mine.ref}/keys`, { key: reader })).status).toBe(403)
    expect(await probe({ key: await withScopes('documents:write', 'settings:read') })).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    })
  })

  test('that were revoked are dead on this node at once, and on others within a second', async () => {
    const other = await startNode(database)
    const { key, id } = await createKey(node, owner, mine.ref, { name: 'leaked', kind: 'secret' })
    const elsewhere = () => other.call('GET', `/v1/projects/${mine.ref}/probe`, { key }).then((a) => a.status)
    expect([(await probe({ key })).status, await elsewhere()]).toEqual([200, 200])
    const revoked = await node.call('DELETE', `/v1/projects/${mine.ref}/keys/${id}`, { as: owner })
    expect(revoked.status).toBe(204)
    expect((await probe({ key })).status).toBe(401)
    await expect.poll(elsewhere, { timeout: 1000 }).toBe(401)
    await other.stop()
  })

  test('that were deleted behind our back are dead within 5 seconds although they are in use', async () => {
    const { key, id } = await createKey(node, owner, mine.ref, { name: 'silent', kind: 'secret' })
    expect((await probe({ key })).status).toBe(200)
    await database.pool.query('DELETE FROM basalt.api_keys WHERE id = $1', [id])
    const status = () => probe({ key }).then((answer) => answer.status)
    await expect.poll(status, { timeout: 5200, interval: 50 }).toBe(401)
  })

  test('publishable ones open nothing that is not for apps', async () => {
    const calls = [
      node.call('GET', `/v1/projects/${mine.ref}`, { key: mine.publishable }),
      node.call('PATCH', `/v1/projects/${mine.ref}`, { key: mine.publishable, body: { name: 'x' } }),
      node.call('GET', `/v1/projects/${mine.ref}/keys`, { key: mine.publishable }),
      node.call('GET', `/v1/projects/${mine.ref}/audit`, { key: mine.publishable }),
    ]
    for (const answer of await Promise.all(calls)) expect(answer.status).toBe(403)
  })

  test('are no operators', async () => {
    for (const as of [mine.secret, mine.publishable, 'op_', `op_${'x'.repeat(32)}`]) {
      expect((await node.call('GET', '/v1/projects', { as })).status).toBe(401)
    }
  })
})

test.each([
  { authorization: 'Bearer' },
  { authorization: 'Bearer ' },
  { authorization: 'Bearer a b' },
  { authorization: 'Basic YTpi' },
  { authorization: 'Bearer ../../etc/passwd' },
  { authorization: `Bearer ${'x'.repeat(8000)}` },
  { authorization: 'Bearer op_short' },
  { 'x-api-key': 'pk_short' },
  { 'x-api-key': 'pk_a, pk_b' },
  { 'x-api-key': '__proto__' },
  { cookie: 'basalt_session' },
  { cookie: 'basalt_session=; basalt_session=op_x' },
])('malformed credentials are refused: %j', async (headers) => {
  const answer = await probe({ headers: headers as unknown as Record<string, string> })
  expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
})

test('two keys in the address are none', async () => {
  const path = `/v1/projects/${mine.ref}/probe?key=${mine.publishable}&key=${mine.publishable}`
  expect((await node.call('GET', path)).status).toBe(401)
})

test.each(['%00', '..%2f..', 'a'.repeat(500), 'P_ADMIN', "x'--"])('a ref that is none: %s', async (ref) => {
  expect((await probe({ key: mine.secret }, ref)).status).toBe(401)
  expect((await probe({ as: owner }, ref)).status).toBe(404)
})

describe('users', () => {
  const alice = testUser('alice')

  test('pass where apps may, when the verifier knows their token', async () => {
    expect((await probe({ as: 'header.payload.signature' })).status).toBe(401)
    node.projects.registerTokenVerifier((token, project) =>
      token === `token.of.${project.ref}` ? alice : Promise.resolve(null),
    )
    const token = `token.of.${mine.ref}`
    expect((await probe({ as: token })).body).toEqual(alice)
    expect((await probe({ as: token, key: mine.publishable })).body).toEqual(alice)
    expect((await probe({ as: token, key: foreign.publishable })).status).toBe(401)
    expect((await probe({ as: token }, foreign.ref)).status).toBe(401)
    expect((await probe({ as: 'other.token.here' })).status).toBe(401)
    expect((await node.call('GET', `/v1/projects/${mine.ref}/keys`, { as: token })).status).toBe(403)
  })
})

test('an operator of another organization sees no project at all', async () => {
  const org = await createOrganization(node, owner, 'Other')
  const invited = await node.call('POST', `/v1/organizations/${org}/members`, {
    as: owner,
    body: { email: 'eve@example.com', role: 'owner' },
  })
  const eve = await node.call('POST', '/v1/operators/invitations/accept', {
    body: { token: invited.body.link.split('#token=')[1], name: 'Eve', password: 'long enough' },
  })
  const as = eve.body.token
  const unknown = await probe({ as }, 'nosuchproject')
  expect(unknown.status).toBe(404)
  expect(withoutId(await probe({ as }))).toEqual(withoutId(unknown))
  expect((await node.call('DELETE', `/v1/projects/${mine.ref}`, { as })).status).toBe(404)
  expect((await node.call('GET', '/v1/projects', { as })).body.projects).toEqual([])
})
