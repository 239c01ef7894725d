import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  createOrganization,
  createProject,
  type Node,
  setUpFirstOperator,
  startNode,
  type TestProject,
} from './start-node.ts'

let database: TestDatabase
let node: Node
let owner: string
let open: TestProject
let closed: TestProject
const mine = 'https://app.example.com'

beforeAll(async () => {
  database = await createTestDatabase()
  node = await startNode(database)
  owner = await setUpFirstOperator(node)
  const org = await createOrganization(node, owner)
  open = await createProject(node, owner, org)
  closed = await createProject(node, owner, org)
  const body = { settings: { cors: { origins: [mine, 'capacitor://localhost'] } } }
  expect((await node.call('PATCH', `/v1/projects/${closed.ref}`, { as: owner, body })).status).toBe(200)
})

afterAll(async () => {
  await node.stop()
  await database.drop()
})

const probe = ({ ref, publishable: key }: TestProject, origin: string) =>
  node.call('GET', `/v1/projects/${ref}/probe`, { key, headers: { origin } })

test('any page reads an open project, and none sends the cookie along', async () => {
  const { headers } = await probe(open, 'https://anywhere.example')
  expect(headers['access-control-allow-origin']).toBe('*')
  expect(headers['access-control-allow-credentials']).toBeUndefined()
  expect(headers['access-control-expose-headers']).toContain('x-request-id')
})

test('a project with origins answers those exactly', async () => {
  expect((await probe(closed, mine)).headers).toMatchObject({
    'access-control-allow-origin': mine,
    vary: 'Origin',
  })
  for (const origin of [
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'null',
    `${mine}:443`,
  ]) {
    const { headers } = await probe(closed, origin)
    expect(headers['access-control-allow-origin']).toBeUndefined()
    expect(headers['vary']).toBe('Origin')
  }
})

test('errors can be read too', async () => {
  const answer = await node.call('GET', `/v1/projects/${closed.ref}/probe`, { headers: { origin: mine } })
  expect(answer.status).toBe(401)
  expect(answer.headers['access-control-allow-origin']).toBe(mine)
})

test('browsers may ask before they send, without a key', async () => {
  const ask = (ref: string, origin: string) =>
    node.call('OPTIONS', `/v1/projects/${ref}/collections/posts/documents`, {
      headers: {
        origin,
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': 'authorization,if-match',
      },
    })
  expect(await ask(closed.ref, mine)).toMatchObject({
    status: 204,
    headers: {
      'access-control-allow-origin': mine,
      'access-control-allow-headers': 'authorization,if-match',
      'access-control-allow-methods': expect.stringContaining('PATCH'),
      'access-control-max-age': '7200',
    },
  })
  const refused = await ask(closed.ref, 'https://evil.example')
  expect(refused.headers['access-control-allow-methods']).toBeUndefined()
  const { headers: unknown } = await ask('nosuchproject', mine)
  const { headers: known } = await ask(open.ref, mine)
  for (const name of ['access-control-allow-origin', 'access-control-allow-methods', 'vary']) {
    expect(unknown[name]).toBe(known[name])
  }
})

test('pages of other origins read nothing of the console', async () => {
  for (const path of ['/v1/operators/me', '/v1/organizations', '/v1/projects']) {
    const answer = await node.call('GET', path, { as: owner, headers: { origin: mine } })
    expect(answer.status).toBe(200)
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    const asked = await node.call('OPTIONS', path, { headers: { origin: mine } })
    expect(asked.headers['access-control-allow-origin']).toBeUndefined()
  }
})
