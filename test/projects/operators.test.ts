import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureFirstOperator } from '../../src/projects/operators/ensure-first-operator.ts'
import { ensureFirstProject } from '../../src/projects/ensure-first-project.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Node, setUpFirstOperator, startNode, statusesOf, withoutId } from './start-node.ts'

const ada = { email: 'ada@example.com', password: 'correct horse battery' }
let database: TestDatabase
let node: Node

beforeAll(async () => {
  database = await createTestDatabase()
  node = await startNode(database)
})

afterAll(async () => {
  await node.stop()
  await database.drop()
})

describe('the first start', () => {
  test('exactly one of many parallel uses of the set-up link succeeds, and it owns the first project', async () => {
    const first = await ensureFirstProject(node.services, node.projects)
    const link = await ensureFirstOperator(node.services)
    const token = link?.split('#token=')[1]
    const attempts = Array.from({ length: 8 }, (_, index) =>
      node.call('POST', '/v1/operators/setup', {
        body: { token, email: index === 0 ? ada.email : `other${index}@example.com`, password: ada.password },
      }),
    )
    expect(statusesOf(await Promise.all(attempts))).toEqual([201, 400, 400, 400, 400, 400, 400, 400])
    expect(await node.services.control.operator.count()).toBe(1)
    // The rest of this file signs in as Ada, whoever won.
    await node.services.control.operator.updateMany({ data: { email: ada.email } })

    const { token: signedIn } = (await node.call('POST', '/v1/operators/sign-in', { body: ada })).body
    const listed = await node.call('GET', '/v1/projects', { as: signedIn })
    expect(listed.body.projects).toMatchObject([{ ref: first?.ref, name: 'My first project' }])
    const probe = await node.call('GET', `/v1/projects/${first?.ref}/probe`, { key: first!.publishableKey })
    expect(probe.body).toEqual({ kind: 'anonymous' })
  })

  test('a used link stays used, and a later start makes no new one', async () => {
    expect(await ensureFirstOperator(node.services)).toBeNull()
    expect(await ensureFirstProject(node.services, node.projects)).toBeNull()
    const answer = await node.call('POST', '/v1/operators/setup', { body: { token: 'su_x', ...ada } })
    expect(answer).toMatchObject({ status: 400, body: { code: 'code_invalid' } })
  })

  test('nodes that start together make one first project', async () => {
    const fresh = await createTestDatabase()
    const nodes = await Promise.all([startNode(fresh), startNode(fresh)])
    const made = await Promise.all(nodes.map((each) => ensureFirstProject(each.services, each.projects)))
    expect(made.filter((project) => project !== null)).toHaveLength(1)
    await Promise.all(nodes.map((each) => each.stop()))
    await fresh.drop()
  })

  test('the environment can name the first operator', async () => {
    const fresh = await createTestDatabase()
    const env = {
      BASALT_OPERATOR_EMAIL: 'Root@Example.com',
      BASALT_OPERATOR_PASSWORD: 'from the environment',
    }
    const other = await startNode(fresh, env)
    expect(await ensureFirstOperator(other.services)).toBeNull()
    await ensureFirstProject(other.services, other.projects)
    const answer = await other.call('POST', '/v1/operators/sign-in', {
      body: { email: 'root@example.com', password: 'from the environment' },
    })
    expect(answer.status).toBe(200)
    const listed = await other.call('GET', '/v1/projects', { as: answer.body.token })
    expect(listed.body.projects).toHaveLength(1)
    await other.stop()
    await fresh.drop()
  })
})

describe('sign-in', () => {
  test('answers a token and a cookie that scripts and other sites cannot use', async () => {
    const answer = await node.call('POST', '/v1/operators/sign-in', {
      body: { ...ada, email: 'ADA@example.com' },
    })
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.body.operator).toSorted()).toEqual(['createdAt', 'email', 'id', 'name'])
    const cookie = String(answer.headers['set-cookie'])
    expect(cookie).toMatch(/^basalt_session=op_[\w-]{32}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/)
    const me = await node.call('GET', '/v1/operators/me', { headers: { cookie: cookie.split(';')[0]! } })
    expect(me.body.operator.email).toBe(ada.email)
  })

  test('the cookie is bound to HTTPS when the public address is', async () => {
    const secure = await startNode(database, { BASALT_PUBLIC_URL: 'https://api.example.com' })
    const answer = await secure.call('POST', '/v1/operators/sign-in', { body: ada })
    expect(answer.headers['set-cookie']).toMatch(/^__Host-basalt_session=op_.*; Secure$/)
    await secure.stop()
  })

  test('unknown e-mails and wrong passwords are told apart neither by the answer nor by the time', async () => {
    const attempt = async (email: string): Promise<{ answer: object; ms: number }> => {
      const start = performance.now()
      const answer = await node.call('POST', '/v1/operators/sign-in', {
        body: { email, password: 'wrong one' },
      })
      return { answer: withoutId(answer), ms: performance.now() - start }
    }
    const fastest = { known: Infinity, unknown: Infinity }
    for (let round = 0; round < 4; round++) {
      const known = await attempt(ada.email)
      const unknown = await attempt('nobody@example.com')
      expect(known.answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
      expect(unknown.answer).toEqual(known.answer)
      fastest.known = Math.min(fastest.known, known.ms)
      fastest.unknown = Math.min(fastest.unknown, unknown.ms)
    }
    // Without the dummy hash the unknown one would take a tenth.
    expect(fastest.unknown).toBeGreaterThan(fastest.known / 2)
  })

  test.each([
    { email: ['ada@example.com'], password: ada.password },
    { email: { $ne: null }, password: ada.password },
    { email: ada.email, password: 12345678 },
    { email: ada.email },
    { ...ada, role: 'owner' },
  ])('anything but two strings is refused: %j', async (body) => {
    const answer = await node.call('POST', '/v1/operators/sign-in', { body })
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  })

  test('the 11th attempt on an account within 15 minutes waits, on whichever node, in whatever letter case', async () => {
    const nodes = await Promise.all([
      startNode(database, { BASALT_RATE_LIMITS: 'on' }),
      startNode(database, { BASALT_RATE_LIMITS: 'on' }),
    ])
    const attempts = Array.from({ length: 11 }, (_, index) =>
      nodes[index % 2]!.call('POST', '/v1/operators/sign-in', {
        body: { email: index % 3 === 0 ? 'Target@Example.com' : 'target@example.com', password: 'wrong one' },
        from: '198.51.100.7',
      }),
    )
    const answers = await Promise.all(attempts)
    expect(statusesOf(answers)).toEqual([...Array(10).fill(401), 429])
    const limited = answers.find((answer) => answer.status === 429)
    expect(limited?.body.code).toBe('rate_limited')
    expect(Number(limited?.headers['retry-after'])).toBeGreaterThan(0)
    // Somebody else isn't locked out of that account.
    const elsewhere = await nodes[0]!.call('POST', '/v1/operators/sign-in', {
      body: { email: 'target@example.com', password: 'wrong one' },
      from: '198.51.100.8',
    })
    expect(elsewhere.status).toBe(401)
    await Promise.all(nodes.map((each) => each.stop()))
  })
})

describe('sessions', () => {
  async function signIn(on = node): Promise<string> {
    return (await on.call('POST', '/v1/operators/sign-in', { body: ada })).body.token
  }
  const me = (as: string, on = node) =>
    on.call('GET', '/v1/operators/me', { as }).then((answer) => answer.status)

  test('signing out ends the session on all nodes within a second', async () => {
    const other = await startNode(database)
    const token = await signIn()
    expect(await me(token, other)).toBe(200)
    expect((await node.call('POST', '/v1/operators/sign-out', { as: token })).status).toBe(204)
    expect(await me(token)).toBe(401)
    await expect.poll(() => me(token, other), { timeout: 1000 }).toBe(401)
    await other.stop()
  })

  test('expire when unused for 30 days, and after 90 in any case', async () => {
    const idle = await signIn()
    const old = await signIn()
    const used = await signIn()
    const { pool } = database
    const update = (token: string, change: string) =>
      pool.query(
        `UPDATE basalt.operator_sessions SET ${change}
         WHERE token_hash = translate(encode(sha256($1::text::bytea), 'base64'), '+/=', '-_')`,
        [token],
      )
    const changes = await Promise.all([
      update(idle, `last_used_at = now() - interval '30 days 1 minute'`),
      update(old, `expires_at = now() - interval '1 minute'`),
      update(used, `last_used_at = now() - interval '29 days'`),
    ])
    expect(changes.map((change) => change.rowCount)).toEqual([1, 1, 1])
    expect(await Promise.all([me(idle), me(old), me(used)])).toEqual([401, 401, 200])
  })

  test('changing the password ends the other sessions, and needs the present one', async () => {
    const mine = await signIn()
    const other = await signIn()
    expect(await me(other)).toBe(200)
    const change = (currentPassword: string) =>
      node.call('POST', '/v1/operators/me/password', {
        as: mine,
        body: { currentPassword, newPassword: 'another long one' },
      })
    expect((await change('wrong one')).body.errors).toMatchObject([{ path: 'currentPassword' }])
    expect(await me(other)).toBe(200)
    expect((await change(ada.password)).status).toBe(204)
    expect([await me(mine), await me(other)]).toEqual([200, 401])
    expect((await node.call('POST', '/v1/operators/sign-in', { body: ada })).status).toBe(401)
  })

  test('passwords have 8 to 128 characters', async () => {
    const fresh = await createTestDatabase()
    const other = await startNode(fresh)
    const token = (await ensureFirstOperator(other.services))?.split('#token=')[1]
    const setUp = (password: string) =>
      other.call('POST', '/v1/operators/setup', { body: { token, email: ada.email, password } })
    expect((await setUp('x'.repeat(7))).status).toBe(400)
    expect((await setUp('x'.repeat(129))).status).toBe(400)
    expect((await setUp('é'.repeat(128))).status).toBe(201)
    // The whole password counts.
    const signIn = (password: string) =>
      other.call('POST', '/v1/operators/sign-in', { body: { email: ada.email, password } })
    expect((await signIn('é'.repeat(127))).status).toBe(401)
    expect((await signIn('é'.repeat(128))).status).toBe(200)
    await other.stop()
    await fresh.drop()
  })
})

test('what the cookie does must come from the console itself', async () => {
  const fresh = await createTestDatabase()
  const other = await startNode(fresh)
  const token = await setUpFirstOperator(other)
  const cookie = `theme=dark; basalt_session=${token}`
  const create = (headers: Record<string, string>) =>
    other.call('POST', '/v1/organizations', { headers: { cookie, ...headers }, body: { name: 'Acme' } })
  expect((await create({})).status).toBe(403)
  expect((await create({ origin: 'https://evil.example' })).status).toBe(403)
  expect((await create({ origin: 'null', 'sec-fetch-site': 'same-origin' })).status).toBe(403)
  expect((await create({ 'sec-fetch-site': 'same-site' })).status).toBe(403)
  expect((await create({ origin: 'http://127.0.0.1:4000', 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  expect((await create({ 'sec-fetch-site': 'same-origin' })).status).toBe(201)
  expect((await create({ origin: 'http://127.0.0.1:4000' })).status).toBe(201)
  expect(
    (await other.call('GET', '/v1/organizations', { headers: { cookie } })).body.organizations,
  ).toHaveLength(2)
  await other.stop()
  await fresh.drop()
})
