import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  createOrganization,
  createProject,
  invite,
  type Node,
  setUpFirstOperator,
  startNode,
  statusesOf,
} from './start-node.ts'

let database: TestDatabase
let node: Node
let owner: string
let org: string
let admin: { token: string; id: string }
let developer: { token: string; id: string }
let viewer: { token: string; id: string }

beforeAll(async () => {
  database = await createTestDatabase()
  node = await startNode(database)
  owner = await setUpFirstOperator(node)
  org = await createOrganization(node, owner)
  admin = await invite(node, owner, org, 'admin@example.com', 'admin')
  developer = await invite(node, admin.token, org, 'developer@example.com', 'developer')
  viewer = await invite(node, admin.token, org, 'viewer@example.com', 'viewer')
})

afterAll(async () => {
  await node.stop()
  await database.drop()
})

const members = () => `/v1/organizations/${org}/members`
const add = (as: string, email: string, role: string) =>
  node.call('POST', members(), { as, body: { email, role } })
const change = (as: string, id: string, role: string) =>
  node.call('PATCH', `${members()}/${id}`, { as, body: { role } })
const remove = (as: string, id: string) => node.call('DELETE', `${members()}/${id}`, { as })
const idOf = async (email: string): Promise<string> =>
  (await node.services.control.operator.findUniqueOrThrow({ where: { email } })).id

test('members see each other, and nobody else sees them', async () => {
  const listed = await node.call('GET', members(), { as: viewer.token })
  expect(listed.body.members.map((member: { role: string }) => member.role)).toEqual([
    'owner',
    'admin',
    'developer',
    'viewer',
  ])
  expect(JSON.stringify(listed.body)).not.toMatch(/hash|token/i)
  const elsewhere = await createOrganization(node, viewer.token, 'Elsewhere')
  const foreign = await node.call('GET', `/v1/organizations/${elsewhere}/members`, { as: owner })
  expect(foreign).toMatchObject({ status: 404, body: { code: 'not_found' } })
})

test('nobody grants a role above their own, and developers and viewers grant none', async () => {
  expect((await add(admin.token, 'new@example.com', 'owner')).status).toBe(403)
  expect((await add(developer.token, 'new@example.com', 'viewer')).status).toBe(403)
  expect((await add(viewer.token, 'new@example.com', 'viewer')).status).toBe(403)
  expect((await change(admin.token, developer.id, 'owner')).status).toBe(403)
  expect((await change(admin.token, admin.id, 'owner')).status).toBe(403)
  expect((await change(developer.token, developer.id, 'admin')).status).toBe(403)
  expect(await node.services.control.invitation.count()).toBe(0)
})

test('an admin can neither demote nor remove an owner', async () => {
  const ada = await idOf('ada@example.com')
  expect((await change(admin.token, ada, 'viewer')).status).toBe(403)
  expect((await remove(admin.token, ada)).status).toBe(403)
})

test('the last owner can neither leave nor step down; two owners who leave at once leave one behind', async () => {
  const ada = await idOf('ada@example.com')
  expect(await remove(owner, ada)).toMatchObject({ status: 409, body: { code: 'conflict' } })
  expect((await change(owner, ada, 'admin')).status).toBe(409)

  const second = await invite(node, owner, org, 'second@example.com', 'owner')
  const left = await Promise.all([remove(owner, ada), remove(second.token, second.id)])
  expect(statusesOf(left)).toEqual([204, 409])
  if (left[0]?.status === 204) {
    expect((await add(second.token, 'ada@example.com', 'owner')).status).toBe(201)
    expect((await remove(second.token, second.id)).status).toBe(204)
  }
})

test('a removed member is out at once, on other nodes too', async () => {
  const other = await startNode(database)
  const guest = await invite(node, owner, org, 'guest@example.com', 'viewer')
  const look = () => other.call('GET', members(), { as: guest.token }).then((answer) => answer.status)
  expect(await look()).toBe(200)
  expect((await remove(owner, guest.id)).status).toBe(204)
  await expect.poll(look, { timeout: 1000 }).toBe(404)
  await other.stop()
})

test('a member can leave', async () => {
  const guest = await invite(node, owner, org, 'leaver@example.com', 'viewer')
  expect((await remove(guest.token, guest.id)).status).toBe(204)
  expect((await node.call('GET', members(), { as: guest.token })).status).toBe(404)
})

test('an operator is added by e-mail, once', async () => {
  expect((await add(owner, 'Guest@example.com', 'viewer')).body.member.role).toBe('viewer')
  expect(await add(owner, 'guest@example.com', 'viewer')).toMatchObject({
    status: 409,
    body: { code: 'already_exists' },
  })
})

test('exactly one of many parallel uses of an invitation succeeds', async () => {
  const invited = await add(owner, 'once@example.com', 'viewer')
  const token = invited.body.link.split('#token=')[1]
  const attempts = await Promise.all(
    Array.from({ length: 6 }, () =>
      node.call('POST', '/v1/operators/invitations/accept', {
        body: { token, name: 'Once', password: 'long enough' },
      }),
    ),
  )
  expect(statusesOf(attempts)).toEqual([201, 400, 400, 400, 400, 400])
})

test('an invitation that was replaced, revoked or has expired opens nothing', async () => {
  const accept = (link: string) =>
    node.call('POST', '/v1/operators/invitations/accept', {
      body: { token: link.split('#token=')[1], name: 'Late', password: 'long enough' },
    })
  const first = await add(owner, 'late@example.com', 'viewer')
  const second = await add(owner, 'late@example.com', 'viewer')
  expect((await accept(first.body.link)).body.code).toBe('code_invalid')
  await database.pool.query(`UPDATE basalt.invitations SET expires_at = now() - interval '1 second'`)
  expect((await accept(second.body.link)).body.code).toBe('code_invalid')
  const third = await add(owner, 'late@example.com', 'viewer')
  const path = `/v1/organizations/${org}/invitations/${third.body.invitation.id}`
  expect((await node.call('DELETE', path, { as: viewer.token })).status).toBe(403)
  expect((await node.call('DELETE', path, { as: admin.token })).status).toBe(204)
  expect((await accept(third.body.link)).body.code).toBe('code_invalid')
})

test('an invitation does not touch an operator who exists by then', async () => {
  const elsewhere = await createOrganization(node, owner, 'Second')
  const link = async (organization: string): Promise<string> =>
    (
      await node.call('POST', `/v1/organizations/${organization}/members`, {
        as: owner,
        body: { email: 'both@example.com', role: 'viewer' },
      })
    ).body.link.split('#token=')[1]
  const tokens = [await link(org), await link(elsewhere)]
  const accept = (token: string | undefined, password: string) =>
    node.call('POST', '/v1/operators/invitations/accept', { body: { token, name: 'Both', password } })
  expect((await accept(tokens[0], 'long enough')).status).toBe(201)
  expect((await accept(tokens[1], 'taken over!')).status).toBe(409)
  const signIn = (password: string) =>
    node.call('POST', '/v1/operators/sign-in', { body: { email: 'both@example.com', password } })
  expect((await signIn('taken over!')).status).toBe(401)
  expect((await signIn('long enough')).status).toBe(200)
})

test('what each role may do in a project', async () => {
  const { ref } = await createProject(node, owner, org)
  const attempts = {
    read: (as: string) => node.call('GET', `/v1/projects/${ref}`, { as }),
    rename: (as: string) => node.call('PATCH', `/v1/projects/${ref}`, { as, body: { name: 'Renamed' } }),
    mint: (as: string) =>
      node.call('POST', `/v1/projects/${ref}/keys`, { as, body: { name: 'k', kind: 'secret' } }),
    create: (as: string) =>
      node.call('POST', '/v1/projects', { as, body: { name: 'P', organizationId: org } }),
    remove: (as: string) => node.call('DELETE', `/v1/projects/${ref}`, { as }),
  }
  const statuses = async (as: string): Promise<number[]> => {
    const all: number[] = []
    for (const attempt of Object.values(attempts)) all.push((await attempt(as)).status)
    return all
  }
  expect(await statuses(viewer.token)).toEqual([200, 403, 403, 403, 403])
  expect(await statuses(developer.token)).toEqual([200, 200, 403, 403, 403])
  expect(await statuses(admin.token)).toEqual([200, 200, 201, 201, 204])
})
