import { request } from 'node:http'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startOn, type TestProject, type TestServer } from '../support/server.ts'

/** Callers and neighbours that go away, dawdle, or hold what others need. */

let database: TestDatabase
let server: TestServer
let project: TestProject
let documents: string

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startOn(database.url, { BASALT_LOG_LEVEL: 'silent' })
  project = await server.createProject()
  await project.defineCollection('notes')
  documents = `/v1/projects/${project.ref}/collections/notes/documents`
  const lines = Array.from({ length: 3000 }, (_, n) => JSON.stringify({ n, text: 'long '.repeat(400) }))
  const { body } = await project.call('POST', '/collections/notes/documents/import', {
    body: lines.join('\n'),
    headers: { 'content-type': 'application/x-ndjson' },
  })
  expect(body).toMatchObject({ imported: 3000, failed: 0 })
})

afterAll(async () => {
  await server.stop()
  await database.drop()
})

/** Connections of the server that are inside a transaction. */
async function openTransactions(): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `SELECT count(*)::integer AS count
     FROM pg_stat_activity
     WHERE datname = current_database()
       AND application_name = 'basalt'
       AND state <> 'idle'`,
  )
  return rows[0]!.count
}

test('readers who go away in the middle of an export leave nothing open', async () => {
  for (let reader = 0; reader < 20; reader++) {
    const download = request(`${server.url}${documents}/export`, {
      headers: { authorization: `Bearer ${project.secret}` },
    })
    download.end()
    const [response] = await once(download, 'response')
    expect([200, 429, 503]).toContain(response.statusCode)
    await once(response, 'data')
    response.destroy()
  }
  await vi.waitFor(async () => expect(await openTransactions()).toBe(0), 5000)
  expect((await project.call('GET', '/collections/notes/documents?limit=1')).status).toBe(200)
})

test('readers who stand still take no connection from the others', async () => {
  const readers = await Promise.all(
    Array.from({ length: 30 }, async () => {
      const download = request(`${server.url}${documents}/export`, {
        headers: { authorization: `Bearer ${project.secret}` },
      })
      download.end()
      // Nobody reads what comes.
      download.on('response', (response) => response.pause())
      download.on('error', () => undefined)
      return download
    }),
  )
  try {
    await sleep(1000)
    const started = Date.now()
    const body = { n: -1 }
    expect((await project.call('POST', '/collections/notes/documents', { body })).status).toBe(201)
    expect((await project.call('GET', '/collections/notes/documents?limit=1')).status).toBe(200)
    expect((await server.call('GET', '/v1/projects', { as: server.operator })).status).toBe(200)
    expect(Date.now() - started).toBeLessThan(2000)
  } finally {
    for (const reader of readers) reader.destroy()
  }
  await vi.waitFor(async () => expect(await openTransactions()).toBe(0), 5000)
})

test('a writer who goes away in the middle of an import leaves whole lines and a working server', async () => {
  const upload = request(`${server.url}${documents}/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${project.secret}`, 'content-type': 'application/x-ndjson' },
  })
  upload.on('error', () => undefined)
  upload.write('{"id":"whole","n":1}\n{"id":"half","n":')
  await vi.waitFor(async () => {
    expect((await project.call('GET', '/collections/notes/documents/whole')).status).toBe(200)
  })
  upload.destroy()
  await sleep(300)
  expect((await project.call('GET', '/collections/notes/documents/half')).status).toBe(404)
  expect(await openTransactions()).toBe(0)
})

test('a lock that somebody else holds costs writers their time limit, and readers nothing', async () => {
  const neighbour = new pg.Client(database.url)
  await neighbour.connect()
  try {
    await neighbour.query('BEGIN')
    await neighbour.query(`SELECT FROM p_${project.ref}._head FOR UPDATE`)
    const started = Date.now()
    const writes = Array.from({ length: 5 }, (_, n) =>
      project.call('POST', '/collections/notes/documents', { body: { id: `locked${n}` } }),
    )
    await sleep(200)
    expect((await project.call('GET', '/collections/notes/documents/whole')).status).toBe(200)
    for (const { status, body } of await Promise.all(writes)) {
      expect({ status, code: body.code }).toEqual({ status: 504, code: 'timeout' })
    }
    // The statement's limit is 5 s; what came while the first waited had to wait once more.
    expect(Date.now() - started).toBeLessThan(12_000)
  } finally {
    await neighbour.query('ROLLBACK')
    await neighbour.end()
  }
  const later = await project.call('POST', '/collections/notes/documents', { body: { id: 'locked0' } })
  expect(later.status).toBe(201)
})

test('of many equal requests with one Idempotency-Key, on two nodes at once, one takes effect', async () => {
  const other = await startOn(database.url)
  try {
    await project.call('POST', '/collections/notes/documents', { body: { id: 'counter', n: 0 } })
    const path = `${documents}/counter`
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        (at % 2 === 0 ? server : other).call('PATCH', path, {
          as: project.secret,
          body: { n: { $increment: 1 } },
          headers: { 'idempotency-key': 'once' },
        }),
      ),
    )
    expect(answers.map(({ status, body }) => ({ status, n: body.n }))).toEqual(
      answers.map(() => ({ status: 200, n: 1 })),
    )
    const fresh = answers.filter(({ headers }) => !headers.has('idempotency-replayed'))
    expect(fresh).toHaveLength(1)
    expect((await project.call('GET', '/collections/notes/documents/counter')).body.n).toBe(1)
  } finally {
    await other.stop()
  }
})
