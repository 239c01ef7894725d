import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addressGroup } from '../../src/projects/address-group.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  type Answer,
  createOrganization,
  createProject,
  type Node,
  setUpFirstOperator,
  startNode,
  type TestProject,
} from './start-node.ts'

let database: TestDatabase
let quiet: Node
let node: Node
let owner: string
let org: string

// What flows in is little, so that a slow machine counts the same.
const limits = {
  BASALT_RATE_LIMITS: 'on',
  BASALT_LIMIT_REQUESTS_BY_ADDRESS: '1',
  BASALT_LIMIT_REQUESTS_BY_PROJECT: '4',
  BASALT_LIMIT_BURST_FACTOR: '10',
}

beforeAll(async () => {
  database = await createTestDatabase()
  quiet = await startNode(database)
  owner = await setUpFirstOperator(quiet)
  org = await createOrganization(quiet, owner)
  node = await startNode(database, { ...limits, BASALT_TRUSTED_PROXIES: '10.0.0.1' })
})

afterAll(async () => {
  await Promise.all([node.stop(), quiet.stop()])
  await database.drop()
})

const knock = ({ ref }: TestProject, call: Parameters<Node['call']>[2], on = node) =>
  on.call('GET', `/v1/projects/${ref}/probe`, call)

async function burst(
  count: number,
  call: (index: number) => Promise<Answer>,
): Promise<Record<number, number>> {
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => call(index)))
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

test('an address may come with its burst at once, and is told when to come again', async () => {
  const project = await createProject(quiet, owner, org)
  const call = (from: string) => knock(project, { key: project.publishable, from })
  expect(await burst(10, () => call('192.0.2.1'))).toEqual({ 200: 10 })
  const limited = await call('192.0.2.1')
  expect(limited).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
  expect(limited.headers['retry-after']).toBe('1')
  expect(limited.headers['ratelimit-policy']).toBe('"address";q=10;w=10')
  expect(limited.headers['ratelimit']).toBe('"address";r=0;t=1')
  expect((await call('192.0.2.2')).status).toBe(200)
  await sleep(1050)
  expect((await call('192.0.2.1')).status).toBe(200)
})

test('headers that claim another address are believed from trusted proxies only', async () => {
  const project = await createProject(quiet, owner, org)
  const as = (from: string, claimed: string) =>
    knock(project, { key: project.publishable, from, headers: { 'x-forwarded-for': claimed } })
  expect(await burst(14, (index) => as('192.0.2.3', `198.51.100.${index}`))).toEqual({ 200: 10, 429: 4 })
  expect(await burst(14, (index) => as('10.0.0.1', `198.51.100.${index}`))).toEqual({ 200: 14 })
})

test('a secret key is limited by its project alone, and one project does not take from another', async () => {
  const [project, other] = [await createProject(quiet, owner, org), await createProject(quiet, owner, org)]
  const counts = await burst(60, () => knock(project, { key: project.secret, from: '192.0.2.4' }))
  expect(counts[200]).toBeGreaterThanOrEqual(40)
  expect(counts[200]).toBeLessThan(48)
  expect(counts[429]).toBe(60 - (counts[200] ?? 0))
  expect((await knock(other, { key: other.secret, from: '192.0.2.4' })).status).toBe(200)
})

test('guessing keys is limited before it costs a query', async () => {
  const project = await createProject(quiet, owner, org)
  await knock(project, { key: project.publishable, from: '192.0.2.5' })
  const guess = (index: number) =>
    knock(project, { key: `sk_${String(index).padStart(32, 'x')}`, from: '192.0.2.6' })
  expect(await burst(30, guess)).toEqual({ 401: 10, 429: 20 })
})

test('a project can lower the limits', async () => {
  const roomy = await startNode(database, { BASALT_RATE_LIMITS: 'on', BASALT_LIMIT_BURST_FACTOR: '1' })
  const project = await createProject(quiet, owner, org)
  const settings = { limits: { requestsPerSecondByAddress: 1 } }
  await quiet.call('PATCH', `/v1/projects/${project.ref}`, { as: owner, body: { settings } })
  const call = () => knock(project, { key: project.publishable, from: '192.0.2.7' }, roomy)
  expect(await burst(5, call)).toEqual({ 200: 1, 429: 4 })
  await roomy.stop()
})

test('two nodes together let through hardly more than one', async () => {
  const project = await createProject(quiet, owner, org)
  const env = { BASALT_RATE_LIMITS: 'on' }
  const nodes = await Promise.all([startNode(database, env), startNode(database, env)])
  const seconds = 3
  let passed = 0
  const started = Date.now()
  while (Date.now() - started < seconds * 1000) {
    const round = nodes.map((each) =>
      burst(5, () => knock(project, { key: project.publishable, from: '192.0.2.8' }, each)),
    )
    for (const counts of await Promise.all(round)) passed += counts[200] ?? 0
    await sleep(20)
  }
  // One bucket: 100 at once and 50 a second. Two that know nothing of each other: twice as many.
  const one = 100 + 50 * seconds
  expect(passed).toBeGreaterThan(one * 0.8)
  expect(passed).toBeLessThan(one * 1.4)
  await Promise.all(nodes.map((each) => each.stop()))
})

describe('addresses', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:1:aaaa::1', '2001:db8:0:1::/64'],
    ['2001:0DB8:0000:0001:bbbb:1:2:3', '2001:db8:0:1::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s counts as %s', (ip, group) => {
    expect(addressGroup(ip)).toBe(group)
  })
})
