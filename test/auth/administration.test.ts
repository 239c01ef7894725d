import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOperator } from '../isolation/victim.ts'
import { startOn, startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject
let other: TestProject
const password = 'a rather long phrase'

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  other = await server.createProject('Other')
})

afterAll(() => server.stop())

const signUp = async (email: string) =>
  (await project.call('POST', '/auth/sign-up', { as: project.publishable, body: { email, password } })).body

const signIn = (email: string, secret = password) =>
  project.call('POST', '/auth/sign-in', { as: project.publishable, body: { email, password: secret } })

const sessionsOf = (token: string) => project.call('GET', '/auth/sessions', { as: token })

async function create(body: object): Promise<{ id: string; email: string }> {
  const created = await project.call('POST', '/users', { body })
  expect(created.status).toBe(201)
  return created.body
}

async function importLines(lines: object[]) {
  const body = lines.map((line) => JSON.stringify(line)).join('\n')
  return project.call('POST', '/users/import', { body, headers: { 'content-type': 'application/x-ndjson' } })
}

test('a server makes, reads, changes and deletes users', async () => {
  const user = await create({
    email: 'Grace@Example.com',
    password,
    roles: ['editor'],
    profile: { name: 'Grace' },
  })
  expect(user).toMatchObject({ email: 'grace@example.com', isEmailVerified: false, hasPassword: true })
  const patch = {
    isEmailVerified: true,
    phone: '+4915112345678',
    roles: ['admin'],
    profile: { locale: 'de' },
    claims: { plan: 'pro', trial: null },
  }
  const changed = await project.call('PATCH', `/users/${user.id}`, { body: patch })
  expect(changed.body).toMatchObject({
    isEmailVerified: true,
    isPhoneVerified: false,
    roles: ['admin'],
    profile: { name: 'Grace', locale: 'de' },
    claims: { plan: 'pro' },
  })
  expect((await project.call('GET', `/users/${user.id}`)).body).toEqual(changed.body)
  expect((await project.call('DELETE', `/users/${user.id}`)).status).toBe(204)
  expect((await project.call('GET', `/users/${user.id}`)).status).toBe(404)
  expect((await signIn('grace@example.com')).status).toBe(401)
})

test('another address is unverified, and codes for the old one are void', async () => {
  const user = await create({ email: 'old@example.com', isEmailVerified: true })
  await server.services.db.query(
    `INSERT INTO basalt.one_time_codes (id, project_id, user_id, purpose, target, code_hash, expires_at)
     SELECT 'code-1', project_id, id, 'reset_password', email, '', now() + interval '1 hour'
     FROM basalt.users WHERE id = $1`,
    [user.id],
  )
  const { body } = await project.call('PATCH', `/users/${user.id}`, { body: { email: 'new@example.com' } })
  expect(body).toMatchObject({ email: 'new@example.com', isEmailVerified: false })
  const left = await server.services.db.query(`SELECT FROM basalt.one_time_codes WHERE user_id = $1`, [
    user.id,
  ])
  expect(left.rowCount).toBe(0)
})

test('what is taken is refused by field', async () => {
  await create({ email: 'taken@example.com', phone: '+4915100000000' })
  const free = await create({ email: 'free@example.com' })
  const again = await project.call('POST', '/users', { body: { email: 'TAKEN@example.com' } })
  expect(again.body).toMatchObject({ status: 409, errors: [{ path: 'email' }] })
  const moved = await project.call('PATCH', `/users/${free.id}`, { body: { email: 'taken@example.com' } })
  expect(moved.body).toMatchObject({ status: 409, errors: [{ path: 'email' }] })
  const phone = await project.call('PATCH', `/users/${free.id}`, { body: { phone: '+4915100000000' } })
  expect(phone.body).toMatchObject({ status: 409, errors: [{ path: 'phone' }] })
})

test.each([
  { roles: ['has space'] },
  { passwordHash: { kind: 'md5', hash: 'x' } },
  { passwordHash: { kind: 'bcrypt', hash: '$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW' } },
  {
    passwordHash: {
      kind: 'argon2',
      hash: '$argon2id$v=19$m=9999999,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    },
  },
  {
    passwordHash: {
      kind: 'argon2',
      hash: '$argon2id$v=19$m=8,t=2,p=2$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    },
  },
  {
    passwordHash: {
      kind: 'argon2',
      hash: '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHR$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    },
  },
  { email: ['a@example.com'] },
  { phone: '12345' },
  { password: 'short' },
  { isAdmin: true },
  { profile: { a: { a: { a: { a: { a: { a: { a: { a: { a: 1 } } } } } } } } } },
  { profile: { a: 'x'.repeat(20_000) } },
  { profile: { a: { prototype: 1 } } },
])('malformed input is refused and makes nobody (%#)', async (body) => {
  const before = await project.call('GET', '/users?limit=500')
  expect((await project.call('POST', '/users', { body })).status).toBe(400)
  expect((await project.call('GET', '/users?limit=500')).body).toEqual(before.body)
})

test('users are found by the beginning of the address, state and role, page by page', async () => {
  const own = await server.createProject('Listed')
  const make = async (body: object) => (await own.call('POST', '/users', { body })).body.id
  const a = await make({ email: 'a_b@example.com', roles: ['editor'] })
  const b = await make({ email: 'axb@example.com', suspended: true })
  const c = await make({ phone: '+4915111111111' })
  const anonymous = await own.call('POST', '/auth/sign-in/anonymous', { as: own.publishable })
  const found = async (query: string) =>
    (await own.call('GET', `/users?${query}`)).body.users.map(({ id }: { id: string }) => id)
  expect(await found('')).toEqual([anonymous.body.user.id, c, b, a])
  expect(await found('email=A_')).toEqual([a])
  expect(await found('email=%25')).toEqual([])
  expect(await found('phone=%2B49')).toEqual([c])
  expect(await found('suspended=true')).toEqual([b])
  expect(await found('anonymous=true')).toEqual([anonymous.body.user.id])
  expect(await found('role=editor')).toEqual([a])
  expect(await found(`id=${c}`)).toEqual([c])
  expect((await own.call('GET', '/users?count=true&limit=1')).body).toMatchObject({ count: 4 })
  expect((await own.call('GET', '/users?count=true&email=a&limit=1')).body.count).toBe(2)
  expect((await own.call('GET', '/users')).body).not.toHaveProperty('count')
  const first = await own.call('GET', '/users?limit=3')
  expect(first.body.users).toHaveLength(3)
  expect(await found(`limit=3&after=${first.body.nextCursor}`)).toEqual([a])
  for (const query of ['after=nonsense', 'email=%00', 'role=%00', 'phone=%00', 'id=%00', 'limit=501']) {
    expect((await own.call('GET', `/users?${query}`)).status).toBe(400)
  }
})

test('a suspended user is out on every node within 5 seconds, and says so only to the right password', async () => {
  const second = await startOn(databaseUrl())
  const { user, accessToken, refreshToken } = await signUp('sue@example.com')
  const there = () => second.call('GET', `/v1/projects/${project.ref}/auth/sessions`, { as: accessToken })
  expect((await there()).status).toBe(200)
  expect((await sessionsOf(accessToken)).status).toBe(200)
  await project.call('PATCH', `/users/${user.id}`, { body: { suspended: true } })
  expect((await sessionsOf(accessToken)).status).toBe(401)
  await expect.poll(async () => (await there()).status, { timeout: 5_000 }).toBe(401)
  const refreshed = await project.call('POST', '/auth/token', {
    as: project.publishable,
    body: { refreshToken },
  })
  expect(refreshed.status).toBe(401)
  expect((await signIn('sue@example.com')).status).toBe(403)
  expect((await signIn('sue@example.com', 'something else')).status).toBe(401)
  await project.call('PATCH', `/users/${user.id}`, { body: { suspended: false } })
  expect((await signIn('sue@example.com')).status).toBe(200)
  await second.stop()
})

test('roles and claims are felt by tokens that are in use', async () => {
  const { user, accessToken } = await signUp('rita@example.com')
  await project.defineCollection('secrets', {
    rules: { list: `'editor' in auth.roles && auth.claims.plan == 'pro'` },
  })
  const list = () => project.call('GET', '/collections/secrets/documents', { as: accessToken })
  expect((await list()).status).toBe(403)
  await project.call('PATCH', `/users/${user.id}`, { body: { roles: ['editor'], claims: { plan: 'pro' } } })
  expect((await list()).status).toBe(200)
})

test('a new password, or the end of all sessions, signs out everywhere', async () => {
  const { user, accessToken } = await signUp('paul@example.com')
  await project.call('PATCH', `/users/${user.id}`, { body: { password: 'another long phrase' } })
  expect((await sessionsOf(accessToken)).status).toBe(401)
  const { body } = await signIn('paul@example.com', 'another long phrase')
  expect((await project.call('DELETE', `/users/${user.id}/sessions`)).status).toBe(204)
  expect((await sessionsOf(body.accessToken)).status).toBe(401)
})

test('the devices of a user are listed, and signed out one by one', async () => {
  const { user, accessToken } = await signUp('dora@example.com')
  const phone = await project.call('POST', '/auth/sign-in', {
    as: project.publishable,
    body: { email: 'dora@example.com', password },
    headers: { 'x-device-name': 'Phone' },
  })
  const list = async () => (await project.call('GET', `/users/${user.id}/sessions`)).body.sessions
  const [found, ...others] = await list()
  expect(found).toMatchObject({ deviceName: 'Phone', amr: ['pwd'], impersonator: null })
  expect(others).toHaveLength(1)
  const { user: stranger } = await signUp('doras-friend@example.com')
  const end = (userId: string) => project.call('DELETE', `/users/${userId}/sessions/${found.id}`)
  expect((await end(stranger.id)).status).toBe(404)
  expect((await end(user.id)).status).toBe(204)
  expect((await end(user.id)).status).toBe(404)
  expect((await sessionsOf(phone.body.accessToken)).status).toBe(401)
  expect((await sessionsOf(accessToken)).status).toBe(200)
  expect(await list()).toHaveLength(1)
  expect((await other.call('GET', `/users/${user.id}/sessions`)).status).toBe(404)
  expect((await other.call('DELETE', `/users/${user.id}/sessions/${others[0].id}`)).status).toBe(404)
  expect((await sessionsOf(accessToken)).status).toBe(200)
})

test('who acts as a user is named in the token and in the log, for an hour', async () => {
  const { user } = await signUp('ivy@example.com')
  const before = await project.call('GET', `/users/${user.id}`)
  const { status, body } = await project.call('POST', `/users/${user.id}/impersonate`)
  expect(status).toBe(201)
  const claims = JSON.parse(Buffer.from(body.accessToken.split('.')[1], 'base64url').toString())
  expect(claims).toMatchObject({ sub: user.id, act: { sub: expect.stringMatching(/^key:/) } })
  const { rows } = await server.services.db.query(
    `SELECT extract(epoch FROM expires_at - created_at) AS seconds FROM basalt.user_sessions WHERE id = $1`,
    [claims.sid],
  )
  expect(Math.round(Number(rows[0].seconds))).toBe(3600)
  const audit = await project.call('GET', '/audit')
  expect(audit.body.entries[0]).toMatchObject({ action: 'user.impersonate', target: user.id })
  const sensitive = await project.call('POST', '/auth/factors/totp', { as: body.accessToken })
  expect(sensitive.body.code).toBe('step_up_required')
  const stepUp = await project.call('POST', '/auth/step-up', { as: body.accessToken, body: { password } })
  expect(stepUp.status).toBe(401)
  const read = await project.call('GET', `/users/${user.id}`)
  expect(read.body.lastSignInAt).toBe(before.body.lastSignInAt)
})

test('the users of another project do not exist', async () => {
  const { user } = await signUp('olga@example.com')
  const before = await project.call('GET', `/users/${user.id}`)
  const attempts = [
    other.call('GET', `/users/${user.id}`),
    other.call('PATCH', `/users/${user.id}`, { body: { suspended: true } }),
    other.call('DELETE', `/users/${user.id}`),
    other.call('DELETE', `/users/${user.id}/sessions`),
    other.call('POST', `/users/${user.id}/impersonate`),
  ]
  expect((await Promise.all(attempts)).map(({ status }) => status)).toEqual([404, 404, 404, 404, 404])
  expect((await other.call('GET', '/users')).body.users).toEqual([])
  expect((await other.call('GET', '/users/export')).body).toBe('')
  expect((await project.call('GET', `/users/${user.id}`)).body).toEqual(before.body)
})

test('who may only read, or has no business here, changes nobody', async () => {
  const { user, accessToken } = await signUp('rosa@example.com')
  const key = async (scopes: string[]) =>
    (
      await project.call('POST', '/keys', {
        as: server.operator,
        body: { name: 'k', kind: 'secret', scopes },
      })
    ).body.key
  const reader = await key(['users:read'])
  const documents = await key(['documents:read', 'documents:write'])
  const viewer = await createViewer('viewer@example.com', 'viewer')
  const developer = await createViewer('developer@example.com', 'developer')
  expect((await project.call('GET', '/users', { as: reader })).status).toBe(200)
  expect((await project.call('GET', '/users', { as: viewer })).status).toBe(200)
  for (const as of [documents, accessToken, project.publishable]) {
    expect((await project.call('GET', '/users', { as })).status).toBe(403)
    expect((await project.call('GET', '/users/export', { as })).status).toBe(403)
  }
  const before = await project.call('GET', `/users/${user.id}`)
  for (const as of [reader, viewer, documents, accessToken, project.publishable]) {
    const attempts = [
      await project.call('POST', '/users', { as, body: { email: 'x@example.com' } }),
      await project.call('PATCH', `/users/${user.id}`, { as, body: { roles: ['admin'] } }),
      await project.call('DELETE', `/users/${user.id}`, { as }),
      await project.call('DELETE', `/users/${user.id}/sessions`, { as }),
      await project.call('POST', `/users/${user.id}/impersonate`, { as }),
      await project.call('POST', '/users/import', {
        as,
        body: '{}',
        headers: { 'content-type': 'application/x-ndjson' },
      }),
    ]
    expect(attempts.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403])
  }
  expect((await project.call('POST', `/users/${user.id}/impersonate`, { as: developer })).status).toBe(403)
  expect((await project.call('GET', `/users/${user.id}`)).body).toEqual(before.body)
})

// Each made by another implementation: the reference code of Argon2, Openwall's bcrypt, RFC 6070, and Firebase's own.
const hashes = [
  {
    password: 'password',
    passwordHash: {
      kind: 'argon2',
      hash: '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    },
  },
  {
    password: 'U*U',
    passwordHash: { kind: 'bcrypt', hash: '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW' },
  },
  {
    password: 'password',
    passwordHash: {
      kind: 'pbkdf2',
      digest: 'sha1',
      iterations: 4096,
      salt: Buffer.from('salt').toString('base64'),
      hash: Buffer.from('4b007901b765489abead49d926f721d065a429c1', 'hex').toString('base64'),
    },
  },
  {
    password: 'user1password',
    passwordHash: {
      kind: 'firebase-scrypt',
      salt: '42xEC+ixf3L2lw==',
      hash: 'lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
      signerKey: 'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
      saltSeparator: 'Bw==',
      rounds: 8,
      memoryCost: 14,
    },
  },
]

test.each(hashes)(
  'a hash of $passwordHash.kind is verified at the first sign-in and replaced',
  async (given) => {
    const email = `${given.passwordHash.kind}@example.com`
    const { body } = await importLines([{ email, passwordHash: given.passwordHash }])
    expect(body).toEqual({ imported: 1, failed: 0, errors: [] })
    expect((await signIn(email, 'something else')).status).toBe(401)
    expect((await signIn(email, given.password)).status).toBe(200)
    const stored = await server.services.db.query(
      `SELECT password_hash AS hash FROM basalt.users WHERE email = $1`,
      [email],
    )
    expect(stored.rows[0].hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=3,p=1\$/)
    expect((await signIn(email, given.password)).status).toBe(200)
    expect((await signIn(email, 'something else')).status).toBe(401)
  },
)

test('an import reports faulty lines and goes on; an export holds everybody and no hash', async () => {
  const own = await server.createProject('Moved')
  const importInto = async (lines: (object | string)[]) => {
    const body = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
    const headers = { 'content-type': 'application/x-ndjson' }
    return (await own.call('POST', '/users/import', { body, headers })).body
  }
  const identities = [{ provider: 'google', subject: '1' }]
  const first = await importInto([
    { id: 'uid_1', email: 'one@example.com', isEmailVerified: true, createdAt: '2020-01-01T00:00:00.000Z' },
    { id: 'uid_2', phone: '+4915122222222', identities },
  ])
  expect(first).toEqual({ imported: 2, failed: 0, errors: [] })
  const second = await importInto([
    { email: 'ONE@example.com' },
    { email: 'not an address' },
    { identities },
    '{"email": "proto@example.com", "profile": {"__proto__": {"isAdmin": true}}}',
    'no json',
    { id: 'uid_1' },
    { identities: [{ provider: 'google', subject: 'a\0b' }] },
    { email: 'half\ud800@example.com' },
    { createdAt: '0000-01-01T00:00:00.000Z' },
    { profile: { a: 'a\0b' } },
  ])
  expect(second).toMatchObject({ imported: 0, failed: 10 })
  expect(second.errors.map(({ line, code }: { line: number; code: string }) => [line, code])).toEqual([
    [1, 'already_exists'],
    [2, 'invalid_request'],
    [3, 'already_exists'],
    [4, 'invalid_request'],
    [5, 'invalid_request'],
    [6, 'already_exists'],
    [7, 'invalid_request'],
    [8, 'invalid_request'],
    [9, 'invalid_request'],
    [10, 'invalid_request'],
  ])
  const exported = await own.call('GET', '/users/export')
  const users = exported.body
    .trim()
    .split('\n')
    .map((line: string) => JSON.parse(line))
  expect(users.map(({ id }: { id: string }) => id)).toEqual(['uid_2', 'uid_1'])
  expect(users[1]).toMatchObject({ isEmailVerified: true, createdAt: '2020-01-01T00:00:00.000Z' })
  expect(exported.body).not.toMatch(/hash/i)
  const { body: audit } = await own.call('GET', '/audit')
  expect(audit.entries.map(({ action }: { action: string }) => action)).toContain('user.import')
})

function databaseUrl(): string {
  const url = server.services.config.databaseUrl
  if (url === null || url === undefined) throw new Error('the server runs on no given database')
  return url
}

async function createViewer(email: string, role: string): Promise<string> {
  const { token } = await createOperator(server, email)
  const mine = await project.call('GET', '', { as: server.operator })
  const path = `/v1/organizations/${mine.body.organizationId}/members`
  expect((await server.call('POST', path, { as: server.operator, body: { email, role } })).status).toBe(201)
  return token
}
