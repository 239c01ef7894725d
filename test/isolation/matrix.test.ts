import { afterAll, beforeAll, expect, test } from 'vitest'
import { hashSecret } from '../../src/platform/ids.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { buildRequest, type BuiltRequest, type Operation, readOperations } from './build-request.ts'
import { readState } from './read-state.ts'
import { setUpToken } from './requests.ts'
import { createOperator, greeting, seedVictim, type Victim } from './victim.ts'

/** Every route of the API, as everybody who should not get in: nothing leaks, nothing changes. */

let server: TestServer
let operations: Operation[]
let victim: Victim
let other: TestProject
let otherOperator: string
let otherOrganization: string

beforeAll(async () => {
  server = await startTestServer()
  operations = await readOperations(server)
  victim = await seedVictim(server)
  const { token } = await createOperator(server, 'mallory@example.com')
  otherOperator = token
  const made = await server.call('POST', '/v1/organizations', { as: token, body: { name: 'Others' } })
  otherOrganization = made.body.id
  const { body } = await server.call('POST', '/v1/projects', { as: token, body: { name: 'Theirs' } })
  other = { ...(await server.createProject()), ref: body.project.ref, ...body.keys }
})

afterAll(() => server.stop())

interface Answer {
  status: number
  /** Everything of it that the caller gets to see. */
  text: string
}

async function send(request: BuiltRequest, credentials: Record<string, string>): Promise<Answer> {
  const { method, url, body } = request
  const response = await fetch(server.url + url, {
    method,
    headers: { ...request.headers, ...credentials },
    ...(body !== undefined && { body }),
  })
  const headers = JSON.stringify([...response.headers])
  return { status: response.status, text: headers + (await response.text()) }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function createKey(body: object): Promise<{ id: string; key: string }> {
  const path = `/v1/projects/${victim.ref}/keys`
  const created = await server.call('POST', path, {
    as: victim.owner,
    body: { name: 'k', kind: 'secret', ...body },
  })
  expect(created.status).toBe(201)
  return created.body
}

type Expectation = number[] | 'done' | 'skip'

interface Intruder {
  name: string
  credentials: () => Promise<Record<string, string>>
  expects: (operation: Operation) => Expectation
  /** Sends its own names instead of the victim's. */
  names?: () => Record<string, string>
  /** May read the victim's data where it gets in. */
  mayRead?: true
}

const areas = ['documents', 'users', 'files', 'push', 'tasks', 'functions', 'channels', 'settings']

/** Keys, right or wrong, open no operator's door; where none is asked for, the body decides. */
function withoutSession({ request }: Operation, inProject: Expectation): Expectation {
  switch (request.door) {
    case 'open':
      return 'done'
    case 'account':
    case 'organization':
      return [401]
    case 'project':
      return inProject
    case 'users':
      return Array.isArray(inProject) ? inProject : 'skip'
  }
}

function asStranger(operation: Operation): Expectation {
  return withoutSession(operation, [401])
}

const intruders: Intruder[] = [
  { name: 'nobody', credentials: async () => ({}), expects: asStranger },
  {
    name: "another project's publishable key",
    credentials: async () => ({ 'x-api-key': other.publishable }),
    expects: asStranger,
  },
  {
    name: "another project's secret key",
    credentials: async () => bearer(other.secret),
    expects: asStranger,
  },
  {
    name: "another project's secret key beside the project's publishable key",
    credentials: async () => ({ ...bearer(other.secret), 'x-api-key': victim.publishable }),
    expects: asStranger,
  },
  {
    name: 'a key that has expired',
    async credentials() {
      const { id, key } = await createKey({})
      await server.services.db.query(
        `UPDATE basalt.api_keys SET expires_at = now() - interval '1 second' WHERE id = $1`,
        [id],
      )
      return bearer(key)
    },
    expects: asStranger,
  },
  {
    name: 'a key that was revoked while in use',
    async credentials() {
      const { id, key } = await createKey({})
      const path = `/v1/projects/${victim.ref}`
      expect((await server.call('GET', path, { as: key })).status).toBe(200)
      const revoked = await server.call('DELETE', `${path}/keys/${id}`, { as: victim.owner })
      expect(revoked.status).toBe(204)
      return bearer(key)
    },
    expects: asStranger,
  },
  {
    name: 'a read-only key',
    credentials: async () => bearer((await createKey({ scopes: areas.map((area) => `${area}:read`) })).key),
    expects: (operation) => withoutSession(operation, operation.request.reads ? 'done' : [403]),
    mayRead: true,
  },
  {
    name: 'a write-only key, reading',
    credentials: async () => bearer((await createKey({ scopes: areas.map((area) => `${area}:write`) })).key),
    expects: (operation) => withoutSession(operation, operation.request.reads ? [403] : 'skip'),
  },
  {
    name: 'a key for other areas',
    async credentials() {
      const scopes = areas
        .filter((area) => !['documents', 'settings', 'users', 'channels', 'functions'].includes(area))
        .flatMap((area) => [`${area}:read`, `${area}:write`])
      return bearer((await createKey({ scopes })).key)
    },
    expects: (operation) => withoutSession(operation, [403]),
  },
  {
    name: 'the publishable key, where no rule lets anybody in',
    credentials: async () => ({ 'x-api-key': victim.publishable }),
    expects(operation) {
      // Here it is at the door that it is for.
      if (operation.request.door === 'users') return 'skip'
      return withoutSession(operation, operation.request.clients ? [403, 404] : [403])
    },
  },
  {
    name: 'an operator of another organization',
    credentials: async () => bearer(otherOperator),
    expects({ id, request }) {
      if (id === 'createProject') return [404]
      return request.door === 'open' || request.door === 'account' ? 'done' : [404]
    },
  },
  {
    name: 'a viewer of the organization',
    credentials: async () => bearer(victim.viewer),
    expects({ id, request }) {
      if (id === 'createProject') return [403]
      if (request.door === 'open' || request.door === 'account') return 'done'
      return request.reads && request.only === undefined ? 'done' : [403]
    },
    mayRead: true,
  },
  {
    name: "another project's secret key, at its own door with the victim's names",
    credentials: async () => bearer(other.secret),
    names: () => ({ ref: other.ref }),
    expects({ request }) {
      if (request.door === 'users') return [200, 201, 202, 204, 400, 401, 403, 404]
      return request.door === 'project' ? [200, 201, 202, 204, 400, 403, 404] : 'skip'
    },
  },
  {
    name: "another operator, at their own door with the victim's names",
    async credentials() {
      const path = '/v1/operators/sign-in'
      const body = { email: 'mallory@example.com', password: 'correct horse battery!' }
      return bearer((await server.call('POST', path, { body })).body.token)
    },
    names: () => ({ ref: other.ref, org: otherOrganization }),
    expects({ pattern, request }) {
      if (request.door === 'users') return [200, 201, 202, 204, 400, 401, 403, 404]
      const isOwnDoor = pattern.includes('{org}') || pattern.includes('{ref}')
      return isOwnDoor ? [200, 201, 202, 204, 400, 404, 409] : 'skip'
    },
  },
]

test.each(intruders)('$name', async ({ credentials, expects, names, mayRead }) => {
  const sent = await credentials()
  const before = await readState(server.services.db, victim)
  const faults: string[] = []
  let reached = 0
  for (const operation of operations) {
    const expectation = expects(operation)
    if (expectation === 'skip') continue
    const { refused } = operation.request
    const allowed = refused === undefined ? expectation : [refused.status]
    const attempt = refused === undefined ? operation : withBody(operation, refused.body)
    const request = buildRequest(attempt, victim, names?.())
    const { status, text } = await send(request, sent)
    const isExpected = allowed === 'done' ? status < 300 : allowed.includes(status)
    if (!isExpected) faults.push(`${operation.id}: ${status}, not ${allowed.toString()}: ${text}`)
    const isRightful = mayRead === true && status < 300
    const known = JSON.stringify([
      request,
      sent,
      names && [victim.collection, victim.documentId, victim.person.email],
    ])
    if (!isRightful) faults.push(...leaks(text, known).map((leak) => `${operation.id} leaks ${leak}`))
    if ((await readState(server.services.db, victim)) !== before) {
      throw new Error(`${operation.id} has changed something (${status})`)
    }
    reached++
  }
  expect(faults).toEqual([])
  expect(reached).toBeGreaterThan(20)
})

function withBody(operation: Operation, body: (victim: Victim) => unknown): Operation {
  return { ...operation, request: { ...operation.request, body } }
}

/** What the caller said themselves may be repeated to them, and told of what they made by those names. */
function leaks(text: string, known: string): string[] {
  return victim.secrets.filter((secret) => text.includes(secret) && !known.includes(secret))
}

test('the same requests succeed for those who may send them', async () => {
  const fresh = await seedVictim(server)
  await server.services.db.query('INSERT INTO basalt.setup_tokens (token_hash) VALUES ($1)', [
    hashSecret(setUpToken),
  ])
  const faults: string[] = []
  for (const operation of operations) {
    const { door, only, needsMore, leavesNoTrace } = operation.request
    if (needsMore === true || door === 'users') continue
    const isForKeys = door === 'project' && only !== 'operators'
    const before = await readState(server.services.db, fresh)
    const { status, text } = await send(
      buildRequest(operation, fresh),
      bearer(isForKeys ? fresh.secret : fresh.owner),
    )
    if (status >= 300) faults.push(`${operation.id}: ${status} ${text}`)
    const hasChanged = (await readState(server.services.db, fresh)) !== before
    if (operation.request.reads && hasChanged) faults.push(`${operation.id} changes something`)
    const isSeen = leavesNoTrace === undefined && door !== 'open'
    if (operation.request.reads === undefined && !hasChanged && isSeen) {
      faults.push(`${operation.id} changes nothing, so the tests above prove nothing for it`)
    }
  }
  expect(faults).toEqual([])
})

test('a publishable key gets through where rules let it, to what they show', async () => {
  const fresh = await seedVictim(server)
  const rules = { read: 'true', list: 'true', create: 'true', update: 'true', delete: 'true' }
  const path = `/v1/projects/${fresh.ref}/collections/${fresh.collection}`
  const opened = await server.call('PUT', path, { as: fresh.owner, body: { rules } })
  expect(opened.status).toBe(200)
  const channels = { rules: { broadcast: 'true' } }
  const room = await server.call('PUT', `/v1/projects/${fresh.ref}/channels/rules/room:*`, {
    as: fresh.owner,
    body: channels,
  })
  expect(room.status).toBe(200)
  const deployed = await server.call('POST', `/v1/projects/${fresh.ref}/functions/deployments`, {
    as: fresh.owner,
    body: { files: { 'functions/greet.ts': greeting('public') } },
  })
  expect(deployed.status).toBe(201)
  const faults: string[] = []
  for (const operation of operations.filter(({ request }) => request.clients)) {
    const { status, text } = await send(buildRequest(operation, fresh), { 'x-api-key': fresh.publishable })
    if (status >= 300) faults.push(`${operation.id}: ${status} ${text}`)
  }
  expect(faults).toEqual([])
})
