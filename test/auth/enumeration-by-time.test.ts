import argon2 from 'argon2'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { deviationsBetween, lengthenKnown, medianOf, type Sample, seededRandom } from '../support/timing.ts'

/** Whether the time of an answer tells which addresses have accounts: 1,000 requests to each path. */

let server: TestServer
let project: TestProject
let people = 0
const known: string[] = []
const password = 'a rather long phrase'
const samplesEach = 1000

// By chance alone, a path gets this far once in 90,000 times.
const mostDeviations = 4.4

/** As other systems make them: for next to nothing, and for about as much as our own. */
const foreignHashes = [1, 30_000].map((iterations) => ({
  kind: 'pbkdf2',
  digest: 'sha256',
  iterations,
  salt: 'c2FsdA==',
  hash: 'aGFzaA==',
}))

beforeAll(async () => {
  server = await startTestServer({ BASALT_LIMIT_MAILS_BY_PROJECT: '1000000' })
  project = await server.createProject()
  const settings = {
    password: { enabled: true, requireVerifiedEmail: true },
    links: { magicLink: 'https://app.example.com/welcome' },
  }
  expect((await project.call('PATCH', '/auth/settings', { body: { settings } })).status).toBe(200)
  for (let number = 0; number < 20; number += 1) {
    known.push(await createUser({ isEmailVerified: number % 2 === 0, password }))
  }
})

afterAll(() => server.stop())

async function createUser(account: object): Promise<string> {
  const email = `known${people++}@example.com`
  const { status } = await project.call('POST', '/users', { body: { email, ...account } })
  expect(status).toBe(201)
  return email
}

interface Measured {
  samples: Sample[]
  statuses: { known: number[]; unknown: number[] }
}

/** `lanes` requests at a time, of known and unknown addresses in an order that nothing can follow. */
async function measure(
  path: string,
  more: object,
  { count = samplesEach, lanes = 1, accounts = known } = {},
): Promise<Measured> {
  const random = seededRandom(path.length + count)
  const samples: Sample[] = []
  const statuses = { known: new Set<number>(), unknown: new Set<number>() }
  let sent = 0
  const lane = async (): Promise<void> => {
    while (sent++ < count) {
      const isKnown = random() < 0.5
      const account = accounts[Math.floor(random() * accounts.length)]
      const email = isKnown ? account : `stranger${people++}@example.com`
      const options = { as: project.publishable, body: { email, ...more } }
      const from = performance.now()
      const { status } = await project.call('POST', `/auth${path}`, options)
      samples.push({ isKnown, milliseconds: performance.now() - from })
      statuses[isKnown ? 'known' : 'unknown'].add(status)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return { samples, statuses: { known: [...statuses.known], unknown: [...statuses.unknown] } }
}

// Wrong credentials are answered at fixed times, so as many are under way at once as two processors hash until then.
test.each([
  ['/sign-in', { password: 'something else' }, 401, 20],
  ['/sign-up', { password }, 202, 2],
  ['/password/reset', {}, 202, 1],
  ['/email/resend', {}, 202, 1],
  ['/sign-in/otp', {}, 202, 1],
  ['/sign-in/magic-link', {}, 202, 1],
] as const)('POST /auth%s', { timeout: 300_000 }, async (path, more, status, lanes) => {
  const { samples, statuses } = await measure(path, more, { lanes })
  expect(statuses).toEqual({ known: [status], unknown: [status] })
  const deviations = deviationsBetween(samples)
  const median = medianOf(samples)
  console.log(`${path}: ${deviations.toFixed(2)} deviations at a median of ${median.toFixed(1)} ms`)
  expect(Math.abs(deviations)).toBeLessThan(mostDeviations)
  // On this machine, in this mood, half as long again would have shown.
  expect(deviationsBetween(lengthenKnown(samples, median / 2))).toBeGreaterThan(mostDeviations)
})

test.each(foreignHashes)(
  'a hash of another system does not show either ($iterations)',
  { timeout: 120_000 },
  async (passwordHash) => {
    const accounts = [await createUser({ passwordHash })]
    const { samples } = await measure('/sign-in', { password }, { count: 100, lanes: 10, accounts })
    expect(Math.abs(deviationsBetween(samples))).toBeLessThan(mostDeviations)
  },
)

test(
  'the test can fail: what costs more than the fixed times hide does show',
  { timeout: 120_000 },
  async () => {
    const expensive = { type: argon2.argon2id, memoryCost: 131_072, timeCost: 12, parallelism: 1 } as const
    const passwordHash = { kind: 'argon2', hash: await argon2.hash(password, expensive) }
    const accounts = [await createUser({ passwordHash })]
    const wrong = { password: 'something else' }
    const { samples, statuses } = await measure('/sign-in', wrong, { count: 48, lanes: 2, accounts })
    expect(statuses).toEqual({ known: [401], unknown: [401] })
    expect(deviationsBetween(samples)).toBeGreaterThan(mostDeviations)
  },
)
