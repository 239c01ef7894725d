import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startOn, type TestProject, type TestServer } from '../support/server.ts'

/** Two nodes on one database: what one of them is told, the other obeys. */

let database: TestDatabase
let a: TestServer
let b: TestServer
let listenersOfA: number[]
let listenersOfB: number[]

beforeAll(async () => {
  database = await createTestDatabase()
  a = await startOn(database.url)
  listenersOfA = await listeners()
  b = await startOn(database.url)
  listenersOfB = (await listeners()).filter((pid) => !listenersOfA.includes(pid))
})

afterAll(async () => {
  await a.stop()
  await b.stop()
  await database.drop()
})

async function listeners(): Promise<number[]> {
  const { rows } = await database.pool.query<{ pid: number }>(
    `SELECT pid
     FROM pg_stat_activity
     WHERE datname = current_database()
       AND application_name = 'basalt listener'`,
  )
  return rows.map(({ pid }) => pid)
}

const open = { rules: { read: 'true', list: 'true', create: 'true' } }
const closed = { rules: {} }

/** A project whose collection both nodes know: whatever they cache of it is in their memory. */
async function openProject(): Promise<{ project: TestProject; path: string }> {
  const project = await a.createProject()
  await project.defineCollection('notes', open)
  const path = `/v1/projects/${project.ref}/collections/notes/documents`
  for (const node of [a, b]) {
    for (const key of [project.publishable, project.secret]) {
      expect((await node.call('GET', path, { as: key })).status).toBe(200)
    }
  }
  return { project, path }
}

/** How many milliseconds it takes until the node answers so. */
async function until(node: TestServer, path: string, key: string, statuses: number[]): Promise<number> {
  const started = Date.now()
  while (Date.now() - started < 8_000) {
    const { status } = await node.call('GET', path, { as: key })
    if (statuses.includes(status)) return Date.now() - started
    // Two servers in one process: the start of one is a pause for the other.
    expect([200, 403, 503]).toContain(status)
    await sleep(10)
  }
  return Number.POSITIVE_INFINITY
}

test('a key that is revoked on one node is dead on the other within a second', async () => {
  const { project, path } = await openProject()
  const { body: key } = await project.call('POST', '/keys', { body: { name: 'lost', kind: 'secret' } })
  expect((await b.call('GET', path, { as: key.key })).status).toBe(200)
  expect((await project.call('DELETE', `/keys/${key.id}`)).status).toBe(204)
  expect(await until(b, path, key.key, [401])).toBeLessThan(1000)
})

test('a rule that changes on one node holds on the other within a second', async () => {
  const { project, path } = await openProject()
  await project.defineCollection('notes', closed)
  expect(await until(b, path, project.publishable, [403])).toBeLessThan(1000)
})

test('a project that is deleted on one node is gone on the other, with its schema', async () => {
  const { project, path } = await openProject()
  const deleted = await a.call('DELETE', `/v1/projects/${project.ref}`, { as: a.operator })
  expect(deleted.status).toBe(204)
  expect(await until(b, path, project.secret, [401, 404])).toBeLessThan(1000)
  const written = await b.call('POST', path, { as: project.secret, body: { text: 'late' } })
  expect([401, 404]).toContain(written.status)
  const { rows } = await database.pool.query(`SELECT FROM pg_namespace WHERE nspname = $1`, [
    `p_${project.ref}`,
  ])
  expect(rows).toEqual([])
})

test('a node that could not listen for a moment forgets what it knew', async () => {
  expect(listenersOfB).toHaveLength(1)
  const { project, path } = await openProject()
  await database.pool.query('SELECT pg_terminate_backend($1)', listenersOfB)
  // Told while nobody listens at the other end.
  await project.defineCollection('notes', closed)
  expect(await until(b, path, project.publishable, [403])).toBeLessThan(3000)

  await project.defineCollection('notes', open)
  expect(await until(b, path, project.publishable, [200])).toBeLessThan(1000)
  expect((await listeners()).length).toBe(2)
})

test('a node that is killed after COMMIT tells nobody, and the others obey within 5 seconds', async () => {
  const { project, path } = await openProject()
  await database.pool.query(
    `UPDATE basalt.collections
     SET rules = '{}',
         updated_at = now()
     WHERE project_id = (SELECT id FROM basalt.projects WHERE ref = $1)`,
    [project.ref],
  )
  expect(await until(b, path, project.publishable, [403])).toBeLessThan(5000)
  // Nobody asked this one meanwhile, so nothing made it look before the first request.
  await sleep(2500)
  expect((await a.call('GET', path, { as: project.publishable })).status).toBe(403)
})

test('limits on requests count what the other node let through', async () => {
  const env = { BASALT_RATE_LIMITS: 'on', BASALT_LIMIT_REQUESTS_BY_PROJECT: '20' }
  const nodes = [await startOn(database.url, env), await startOn(database.url, env)]
  try {
    const { project, path } = await openProject()
    let passed = 0
    const started = Date.now()
    while (Date.now() - started < 4000) {
      for (const node of nodes) {
        const { status, headers } = await node.call('GET', path, { as: project.secret })
        if (status === 429) expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
        if (status === 200) passed++
      }
    }
    const seconds = (Date.now() - started) / 1000
    // Each node has its burst of 40; after that both together get 20 a second. Alone they would reach 2 × (40 + 80).
    expect(passed).toBeLessThan(2 * 40 + 20 * seconds + 20)
  } finally {
    for (const node of nodes) await node.stop()
  }
})
