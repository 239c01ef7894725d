import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  createKey,
  createOrganization,
  createProject,
  type Node,
  setUpFirstOperator,
  startNode,
  statusesOf,
} from './start-node.ts'

let database: TestDatabase
let node: Node
let owner: string
let org: string

beforeAll(async () => {
  database = await createTestDatabase()
  node = await startNode(database)
  owner = await setUpFirstOperator(node)
  org = await createOrganization(node, owner)
})

afterAll(async () => {
  await node.stop()
  await database.drop()
})

const create = (body: object) => node.call('POST', '/v1/projects', { as: owner, body })
const schemaExists = async (ref: string): Promise<boolean> =>
  (await database.pool.query('SELECT to_regnamespace($1) IS NOT NULL AS found', [`p_${ref}`])).rows[0].found

describe('creating a project', () => {
  test('answers it with its keys, and makes its schema with what features keep there', async () => {
    const other = await startNode(database)
    other.projects.onCreate((run, { ref }) =>
      run(`CREATE TABLE p_${ref}.one (); CREATE TABLE p_${ref}.two ()`).then(() => {}),
    )
    const answer = await other.call('POST', '/v1/projects', { as: owner, body: { name: 'Shop' } })
    expect(answer.status).toBe(201)
    const { project, keys } = answer.body
    expect(project.ref).toMatch(/^[a-z][a-z0-9]{11}$/)
    expect(project).toMatchObject({
      name: 'Shop',
      organizationId: org,
      settings: { cors: { origins: ['*'] } },
    })
    expect(keys).toEqual({
      publishable: expect.stringMatching(/^pk_[\w-]{32}$/),
      secret: expect.stringMatching(/^sk_[\w-]{32}$/),
    })
    const { rows } = await database.pool.query(
      'SELECT table_name FROM information_schema.tables WHERE table_schema = $1 ORDER BY 1',
      [`p_${project.ref}`],
    )
    expect(rows).toEqual([{ table_name: 'one' }, { table_name: 'two' }])
    await other.stop()
  })

  test('leaves nothing behind when a feature fails', async () => {
    const other = await startNode(database)
    other.projects.onCreate((run) => run('SELECT 1 / 0').then(() => {}))
    const ref = 'unluckyproject'
    const answer = await other.call('POST', '/v1/projects', { as: owner, body: { name: 'Unlucky', ref } })
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal' } })
    expect(JSON.stringify(answer.body)).not.toMatch(/division|SELECT|prisma/i)
    expect(await schemaExists(ref)).toBe(false)
    await other.stop()
    expect((await create({ name: 'Lucky', ref })).status).toBe(201)
  })

  test('of many parallel claims on a ref one wins', async () => {
    const claims = Array.from({ length: 5 }, () => create({ name: 'Claim', ref: 'wantedbyall' }))
    expect(statusesOf(await Promise.all(claims))).toEqual([201, 409, 409, 409, 409])
  })

  test.each([
    'Upper1234',
    'short12',
    '1startsdigit',
    'has_underscore',
    'a'.repeat(33),
    'p"; DROP',
    ['arrayref1'],
  ])('refuses the ref %j', async (ref) => {
    const answer = await create({ name: 'Bad', ref })
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'ref' }] } })
  })

  test('goes only into own organizations', async () => {
    const answer = await create({ name: 'Foreign', organizationId: 'not-mine' })
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })
})

describe('settings', () => {
  test('are merged by parallel patches without losing any, and reach the other nodes', async () => {
    const other = await startNode(database)
    const { ref, publishable } = await createProject(node, owner, org)
    await other.call('GET', `/v1/projects/${ref}/probe`, { key: publishable })
    const patch = (settings: object) =>
      node.call('PATCH', `/v1/projects/${ref}`, { as: owner, body: { settings } })
    const answers = await Promise.all([
      patch({ cors: { origins: ['https://app.example.com'] } }),
      patch({ changes: { retentionDays: 3 } }),
      patch({ limits: { requestsPerSecond: 10 } }),
    ])
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200])
    const expected = {
      cors: { origins: ['https://app.example.com'] },
      changes: { retentionDays: 3, retentionMegabytes: 1024 },
      limits: { requestsPerSecond: 10, requestsPerSecondByAddress: 50 },
    }
    expect((await node.call('GET', `/v1/projects/${ref}`, { as: owner })).body.settings).toEqual(expected)
    const seen = async () => (await other.projects.byRef(ref))?.settings
    await expect.poll(seen, { timeout: 1000 }).toEqual(expected)
    await other.stop()
  })

  test.each([
    { cors: { origins: ['app.example.com'] } },
    { cors: { origins: ['https://app.example.com/path'] } },
    { cors: { origins: ['https://*.example.com'] } },
    { limits: { requestsPerSecond: 0 } },
    { limits: { requestsPerSecond: 1001 } },
    { limits: { requestsPerSecondByAddress: '5' } },
    { unknown: true },
    { changes: { retentionDays: 1.5 } },
  ])('refuses %j', async (settings) => {
    const { ref } = await createProject(node, owner, org)
    const answer = await node.call('PATCH', `/v1/projects/${ref}`, { as: owner, body: { settings } })
    expect(answer.status).toBe(400)
    expect(answer.body.errors[0].path).toMatch(/^settings\./)
  })

  test.each(['ref', 'id', 'organizationId', 'createdAt'])('%s is not for callers to set', async (field) => {
    const { ref } = await createProject(node, owner, org)
    const answer = await node.call('PATCH', `/v1/projects/${ref}`, { as: owner, body: { [field]: 'other' } })
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: field }] } })
  })
})

describe('deleting a project', () => {
  test('removes everything of it, on all nodes, and its ref is never given again', async () => {
    const other = await startNode(database)
    const { ref, secret } = await createProject(node, owner, org)
    await database.pool.query(`CREATE TABLE p_${ref}.things (id int); INSERT INTO p_${ref}.things VALUES (1)`)
    const look = () =>
      other.call('GET', `/v1/projects/${ref}`, { as: secret }).then((answer) => answer.status)
    expect(await look()).toBe(200)

    expect((await node.call('DELETE', `/v1/projects/${ref}`, { as: secret })).status).toBe(403)
    expect((await node.call('DELETE', `/v1/projects/${ref}`, { as: owner })).status).toBe(204)

    expect(await schemaExists(ref)).toBe(false)
    expect((await node.call('GET', `/v1/projects/${ref}`, { as: secret })).status).toBe(401)
    expect((await node.call('GET', `/v1/projects/${ref}`, { as: owner })).status).toBe(404)
    await expect.poll(look, { timeout: 1000 }).toBe(401)
    expect(await create({ name: 'Again', ref })).toMatchObject({
      status: 409,
      body: { code: 'already_exists' },
    })
    await other.stop()
  })

  test('gives up when a long statement is in the way, and leaves everything as it was', async () => {
    const other = await startNode(database)
    other.projects.onDelete((run) => run(`SET LOCAL lock_timeout = '100ms'`).then(() => {}))
    const { ref, secret } = await createProject(node, owner, org)
    await database.pool.query(`CREATE TABLE p_${ref}.things (id int)`)
    const busy = await database.pool.connect()
    await busy.query(`BEGIN; SELECT FROM p_${ref}.things`)
    const answer = await other.call('DELETE', `/v1/projects/${ref}`, { as: owner, keep503: true })
    expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    await busy.query('COMMIT')
    busy.release()
    expect((await other.call('GET', `/v1/projects/${ref}`, { as: secret })).status).toBe(200)
    await other.stop()
  })

  test('tells features before the schema goes', async () => {
    const other = await startNode(database)
    const told: string[] = []
    other.projects.onDelete(async (run, project) => {
      await run(`LOCK TABLE p_${project.ref}.things`)
      told.push(project.ref)
    })
    const { ref } = await createProject(other, owner, org)
    await database.pool.query(`CREATE TABLE p_${ref}.things (id int)`)
    expect((await other.call('DELETE', `/v1/projects/${ref}`, { as: owner })).status).toBe(204)
    expect(told).toEqual([ref])
    await other.stop()
  })
})

test('projects are listed page by page, each once', async () => {
  const fresh = await createOrganization(node, owner, 'Many')
  for (let index = 0; index < 5; index++) await createProject(node, owner, fresh)
  const refs: string[] = []
  let after = ''
  for (;;) {
    const { body } = await node.call('GET', `/v1/projects?limit=3${after}`, { as: owner })
    expect(body.projects.length).toBeLessThanOrEqual(3)
    refs.push(...body.projects.map((project: { ref: string }) => project.ref))
    if (body.nextCursor === null) break
    after = `&after=${body.nextCursor}`
  }
  expect(new Set(refs).size).toBe(refs.length)
  expect(refs).toHaveLength(await node.services.control.project.count())
})

describe('keys', () => {
  test('secret ones are shown once and stored as a hash', async () => {
    const { ref, secret } = await createProject(node, owner, org)
    const made = await createKey(node, owner, ref, { name: 'server', kind: 'secret', scopes: ['files:read'] })
    const listed = await node.call('GET', `/v1/projects/${ref}/keys`, { as: owner })
    expect(listed.body.keys.map((key: { display: string }) => key.display)).toEqual([
      expect.stringMatching(/^pk_[\w-]{32}$/),
      `sk_…${secret.slice(-4)}`,
      `sk_…${made.key.slice(-4)}`,
    ])
    const stored = JSON.stringify((await database.pool.query('SELECT * FROM basalt.api_keys')).rows)
    for (const key of [secret, made.key]) {
      expect(JSON.stringify(listed.body)).not.toContain(key)
      expect(stored).not.toContain(key)
    }
  })

  test('cannot mint a key that may do more than themselves', async () => {
    const { ref } = await createProject(node, owner, org)
    const scopes = ['settings:write', 'documents:read']
    const { key } = await createKey(node, owner, ref, { name: 'ci', kind: 'secret', scopes })
    const mint = (body: object) =>
      node.call('POST', `/v1/projects/${ref}/keys`, {
        as: key,
        body: { name: 'new', kind: 'secret', ...body },
      })
    expect((await mint({})).status).toBe(403)
    expect((await mint({ scopes: ['*'] })).status).toBe(403)
    expect((await mint({ scopes: ['documents:read', 'documents:write'] })).status).toBe(403)
    expect((await mint({ scopes: ['documents:read'] })).status).toBe(201)
    expect((await mint({ kind: 'publishable' })).status).toBe(201)
  })

  test.each([
    { kind: 'root' },
    { scopes: ['documents:admin'] },
    { scopes: 'documents:read' },
    { expiresAt: '2020-01-01T00:00:00Z' },
    { expiresAt: 'tomorrow' },
    { id: 'mine' },
    { name: '' },
  ])('%j is refused', async (change) => {
    const { ref } = await createProject(node, owner, org)
    const body = { name: 'k', kind: 'secret', ...change }
    expect((await node.call('POST', `/v1/projects/${ref}/keys`, { as: owner, body })).status).toBe(400)
  })

  test('of another project cannot be revoked from here', async () => {
    const here = await createProject(node, owner, org)
    const there = await createProject(node, owner, org)
    const { id } = await createKey(node, owner, there.ref, { name: 'k', kind: 'secret' })
    const answer = await node.call('DELETE', `/v1/projects/${here.ref}/keys/${id}`, { as: here.secret })
    expect(answer.status).toBe(404)
  })

  test('remember when they were used', async () => {
    const other = await startNode(database)
    const { ref, secret } = await createProject(node, owner, org)
    await other.call('GET', `/v1/projects/${ref}`, { as: secret })
    await other.stop()
    const { keys } = (await node.call('GET', `/v1/projects/${ref}/keys`, { as: owner })).body
    expect(keys[0].lastUsedAt).toBeNull()
    expect(Date.now() - Date.parse(keys[1].lastUsedAt)).toBeLessThan(10_000)
  })
})

describe('the audit log', () => {
  test('tells who changed what, the newest first, by operators and by keys, without secrets', async () => {
    const fresh = await createOrganization(node, owner, 'Audited')
    const { ref, secret } = await createProject(node, owner, fresh)
    await node.call('PATCH', `/v1/projects/${ref}`, {
      as: secret,
      body: { name: 'Renamed' },
      from: '192.0.2.9',
    })
    const made = await createKey(node, owner, ref, { name: 'extra', kind: 'secret' })
    await node.call('DELETE', `/v1/projects/${ref}/keys/${made.id}`, { as: owner })

    const { body } = await node.call('GET', `/v1/projects/${ref}/audit`, { as: owner })
    expect(body.entries.map((entry: { action: string }) => entry.action)).toEqual([
      'key.revoke',
      'key.create',
      'project.change',
      'project.create',
    ])
    expect(body.entries[2]).toMatchObject({
      actor: { kind: 'key' },
      target: ref,
      detail: { name: 'Renamed' },
      ip: '192.0.2.9',
      requestId: expect.any(String),
    })
    expect(JSON.stringify(body)).not.toMatch(/[sp]k_[\w-]{32}/)

    await node.call('DELETE', `/v1/projects/${ref}`, { as: owner })
    const first = await node.call('GET', `/v1/organizations/${fresh}/audit?limit=1`, { as: owner })
    expect(first.body.entries).toMatchObject([{ action: 'project.delete', target: ref }])
    const rest = await node.call('GET', `/v1/organizations/${fresh}/audit?after=${first.body.nextCursor}`, {
      as: owner,
    })
    expect(rest.body.entries.at(-1)).toMatchObject({ action: 'organization.create' })
    expect(rest.body.nextCursor).toBeNull()
  })

  test('holds nothing of what was refused', async () => {
    const { ref, publishable } = await createProject(node, owner, org)
    const before = await node.services.control.auditEntry.count()
    await node.call('PATCH', `/v1/projects/${ref}`, { key: publishable, body: { name: 'x' } })
    await node.call('DELETE', `/v1/projects/${ref}/keys/nosuchkey`, { as: owner })
    expect(await node.services.control.auditEntry.count()).toBe(before)
  })
})

test.each(['a\u0000b', '\ud800', 'tab\t', ' ', '', 'x'.repeat(101)])(
  'the name %j is refused, not stumbled over',
  async (name) => {
    const { ref, secret } = await createProject(node, owner, org)
    const calls = [
      create({ name }),
      node.call('PATCH', `/v1/projects/${ref}`, { as: secret, body: { name } }),
      node.call('POST', `/v1/projects/${ref}/keys`, { as: secret, body: { name, kind: 'secret' } }),
      node.call('POST', '/v1/organizations', { as: owner, body: { name } }),
    ]
    for (const answer of await Promise.all(calls)) {
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'name' }] } })
    }
  },
)

test('characters that no database stores are refused wherever an id or an e-mail belongs', async () => {
  const { ref } = await createProject(node, owner, org)
  const email = 'a\u0000@example.com'
  const calls = [
    node.call('DELETE', `/v1/projects/${ref}/keys/%00`, { as: owner }),
    node.call('GET', `/v1/projects/${ref}/audit?after=%00`, { as: owner }),
    node.call('GET', '/v1/projects?after=%00', { as: owner }),
    node.call('DELETE', `/v1/organizations/${org}/members/%00`, { as: owner }),
    node.call('POST', `/v1/organizations/${org}/members`, { as: owner, body: { email, role: 'viewer' } }),
    node.call('POST', '/v1/operators/sign-in', { body: { email, password: 'long enough' } }),
    create({ name: 'Shop', organizationId: '\u0000' }),
  ]
  for (const answer of await Promise.all(calls)) {
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  }
})
