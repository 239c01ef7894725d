import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { buildRequest, type Operation, readOperations } from './build-request.ts'
import { openEveryWayIn, type Person, readPerson, seedPerson } from './person.ts'
import { type PersonRequest, personRequests } from './person-requests.ts'
import { readState } from './read-state.ts'
import { seedVictim, type Victim } from './victim.ts'

/** Everything that users can call, as users who should not get at each other's, nor at what is not for users. */

let server: TestServer
let forUsers: { operation: Operation; request: PersonRequest }[]
let administrative: Operation[]
let victim: Victim
let person: Person
let other: TestProject

beforeAll(async () => {
  server = await startTestServer()
  const operations = await readOperations(server)
  forUsers = operations.flatMap((operation) => {
    const request = personRequests.get(operation.id)
    return request === undefined ? [] : [{ operation, request }]
  })
  administrative = operations.filter(({ request }) => request.door === 'project' && request.clients !== true)
  victim = await seedVictim(server)
  other = await server.createProject('Theirs')
  await openEveryWayIn(server, other)
  person = victim.person
})

afterAll(() => server.stop())

interface Answer {
  status: number
  /** Everything of it that the caller gets to see, without what they said themselves. */
  text: string
}

/** Sends what is about one user, as whoever. */
async function send(operation: Operation, about: Person, as: string, ref = victim.ref): Promise<Answer> {
  const { method, url, body } = buildRequest(operation, { ...victim, ref, person: about })
  const answer = await server.call(method, url, { as, body })
  return { status: answer.status, text: JSON.stringify([[...answer.headers], answer.body]) }
}

const leaksOf = (text: string, secrets: string[], said: unknown): string[] =>
  secrets.filter((secret) => text.includes(secret) && !JSON.stringify(said ?? null).includes(secret))

test('users get through with all of it, and are never told a secret', async () => {
  const self = await seedPerson(server, victim)
  const { db } = server.services
  const faults: string[] = []
  for (const { operation, request } of forUsers) {
    const before = await readPerson(db, self)
    const { status, text } = await send(operation, self, self.token)
    const leaks = leaksOf(text, [...self.hidden, ...victim.settingsSecrets], request.body?.(self))
    faults.push(...leaks.map((leak) => `${operation.id} tells ${leak}`))
    if (request.needsMore === true) {
      if (status < 400 || status >= 500) faults.push(`${operation.id}: ${status} ${text}`)
      continue
    }
    if (status >= 300) faults.push(`${operation.id}: ${status} ${text}`)
    const hasChanged = (await readPerson(db, self)) !== before
    if (request.reads === true && hasChanged) faults.push(`${operation.id} changes something`)
    if (request.reads === undefined && request.anybody === undefined && !hasChanged) {
      const isChallenge = ['startPasskeyRegistration', 'startPasskeyProof'].includes(operation.id)
      if (!isChallenge)
        faults.push(`${operation.id} changes nothing, so the tests below prove nothing for it`)
    }
  }
  expect(faults).toEqual([])
})

interface Intruder {
  name: string
  token: () => Promise<string>
  /** The project in whose name they ask. */
  ref?: () => string
  expects: (request: PersonRequest, status: number) => boolean
  /** Gets in by the user's own credentials, as anybody would. */
  skipsAnybody: boolean
}

const isUnknown = (_request: PersonRequest, status: number): boolean => status === 401
/** In their own name they may; never with another's. */
const isOwnOrRefused = (request: PersonRequest, status: number): boolean =>
  request.needsMore === true || (request.path !== undefined && request.anybody !== true)
    ? status >= 400 && status < 500
    : status < 500

const intruders: Intruder[] = [
  {
    name: 'another user of the project',
    token: async () => (await seedPerson(server, victim)).token,
    expects: isOwnOrRefused,
    skipsAnybody: true,
  },
  {
    name: 'an anonymous user of the project',
    async token() {
      const path = `/v1/projects/${victim.ref}/auth/sign-in/anonymous`
      return (await server.call('POST', path, { as: victim.publishable })).body.accessToken
    },
    expects: isOwnOrRefused,
    skipsAnybody: true,
  },
  {
    name: 'a user of another project',
    token: async () => (await seedPerson(server, other)).token,
    expects: isUnknown,
    skipsAnybody: false,
  },
  {
    name: "a user of another project, at their own door with the victim's names and credentials",
    token: async () => (await seedPerson(server, other)).token,
    ref: () => other.ref,
    expects: isOwnOrRefused,
    skipsAnybody: false,
  },
  {
    name: 'a user who was suspended',
    token: suspendedToken,
    expects: isUnknown,
    skipsAnybody: false,
  },
  {
    name: 'the publishable key alone',
    token: async () => victim.publishable,
    expects: ({ needsMore }, status) => status === 401 || (needsMore === true && status === 400),
    skipsAnybody: true,
  },
  {
    name: 'the secret key, who is no user',
    token: async () => victim.secret,
    expects: ({ needsMore }, status) => status === 401 || (needsMore === true && status === 400),
    skipsAnybody: true,
  },
]

async function suspendedToken(): Promise<string> {
  const { id, token } = await seedPerson(server, victim)
  const path = `/v1/projects/${victim.ref}/users/${id}`
  const { status } = await server.call('PATCH', path, { as: victim.secret, body: { suspended: true } })
  expect(status).toBe(200)
  return token
}

test.each(intruders)('$name, at what is for users', async ({ token, ref, expects, skipsAnybody }) => {
  const as = await token()
  const { db } = server.services
  const before = await readPerson(db, person)
  const faults: string[] = []
  let reached = 0
  for (const { operation, request } of forUsers) {
    if (skipsAnybody && request.anybody === true) continue
    const { status, text } = await send(operation, person, as, ref?.())
    if (!expects(request, status)) faults.push(`${operation.id}: ${status} ${text}`)
    const secrets = [...person.secrets, ...victim.settingsSecrets]
    const said = [request.body?.(person), request.path?.(person)]
    faults.push(...leaksOf(text, secrets, said).map((leak) => `${operation.id} leaks ${leak}`))
    if ((await readPerson(db, person)) !== before) {
      throw new Error(`${operation.id} has changed something (${status})`)
    }
    reached++
  }
  expect(faults).toEqual([])
  expect(reached).toBeGreaterThan(20)
})

const users: { name: string; token: () => Promise<string>; status: number }[] = [
  { name: 'a user of the project', token: async () => person.token, status: 403 },
  {
    name: 'a user with roles and claims of an administrator',
    async token() {
      const { id, token } = await seedPerson(server, victim)
      const path = `/v1/projects/${victim.ref}/users/${id}`
      const body = { roles: ['admin', 'owner', 'users:write'], claims: { role: 'owner', scopes: ['*'] } }
      expect((await server.call('PATCH', path, { as: victim.secret, body })).status).toBe(200)
      return token
    },
    status: 403,
  },
  { name: 'a user who was suspended', token: suspendedToken, status: 401 },
  {
    name: 'a user of another project',
    token: async () => (await seedPerson(server, other)).token,
    status: 401,
  },
]

test.each(users)('$name, at what is for servers and operators', async ({ token, status: expected }) => {
  const as = await token()
  const before = await readState(server.services.db, victim)
  const faults: string[] = []
  for (const operation of administrative) {
    const { method, url, body, headers } = buildRequest(operation, victim)
    const { status, body: answer } = await server.call(method, url, { as, body, headers })
    if (status !== expected) faults.push(`${operation.id}: ${status} ${JSON.stringify(answer)}`)
    const text = JSON.stringify(answer)
    const secrets = [...person.secrets, ...victim.settingsSecrets]
    faults.push(...leaksOf(text, secrets, [url, body]).map((leak) => `${operation.id} leaks ${leak}`))
  }
  expect(faults).toEqual([])
  expect(administrative.length).toBeGreaterThan(20)
  expect(await readState(server.services.db, victim)).toBe(before)
})

test('servers and operators are never told a secret of users or settings', async () => {
  const faults: string[] = []
  const hidden = [...person.hidden, ...victim.settingsSecrets, person.refreshToken, ...person.recoveryCodes]
  for (const operation of administrative.filter(({ request }) => request.reads === true)) {
    for (const as of [victim.secret, victim.owner]) {
      const { method, url, body, headers } = buildRequest(operation, victim)
      const { status, body: answer } = await server.call(method, url, { as, body, headers })
      if (status >= 300) faults.push(`${operation.id}: ${status} ${JSON.stringify(answer)}`)
      faults.push(...leaksOf(JSON.stringify(answer), hidden, body).map((leak) => `${operation.id} ${leak}`))
    }
  }
  expect(faults).toEqual([])
})
