import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTarget, type Target } from '../faults/journaled-load.ts'
import { freePort, operator, type ServerProcess, spawnServer, untilReady } from '../faults/server-process.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
const started: ServerProcess[] = []

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(async () => {
  for (const { child, exited } of started) {
    child.kill('SIGKILL')
    await exited
  }
  await database.drop()
})

function spawnOnDatabase(port: number, env: Record<string, string> = {}): ServerProcess {
  const server = spawnServer(port, { DATABASE_URL: database.url, ...env })
  started.push(server)
  return server
}

async function createNotes({ url }: ServerProcess, { ref, secret }: Target): Promise<void> {
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
  const collection = `${url}/v1/projects/${ref}/collections/notes`
  expect((await fetch(collection, { method: 'PUT', headers, body: '{}' })).status).toBe(201)
}

/** An import that goes on for as long as its lines do. */
function beginImport({ urls, ref, secret }: Target): { send(line: object): void; finish(): Promise<string> } {
  const upload = request(`${urls[0]}/v1/projects/${ref}/collections/notes/documents/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/x-ndjson' },
  })
  const answered = once(upload, 'response')
  // Some servers end before they answer.
  answered.catch(() => undefined)
  return {
    send: (line) => void upload.write(`${JSON.stringify(line)}\n`),
    async finish() {
      upload.end()
      const [response] = (await answered) as [IncomingMessage]
      expect(response.statusCode).toBe(200)
      return (await response.toArray()).join('')
    },
  }
}

function isServing(server: ServerProcess): Promise<boolean> {
  return fetch(`${server.url}/healthz`).then(
    () => true,
    () => false,
  )
}

test('a server that is asked to stop finishes what it has begun, takes nothing new, and ends well', async () => {
  const server = spawnOnDatabase(await freePort())
  await untilReady(server)
  const target = await createTarget(server.url, operator)
  await createNotes(server, target)
  const upload = beginImport(target)
  upload.send({ id: 'before' })
  await sleep(300)
  // As from a terminal: to the whole group, and once more from the launcher.
  server.child.kill('SIGTERM')
  server.child.kill('SIGINT')
  await expect.poll(() => isServing(server)).toBe(false)
  upload.send({ id: 'after' })
  await sleep(500)
  expect(server.child.exitCode).toBeNull()
  expect(JSON.parse(await upload.finish())).toMatchObject({ imported: 2, failed: 0 })
  expect(await server.exited).toBe(0)

  const { rows } = await database.pool.query(`SELECT id FROM p_${target.ref}.notes ORDER BY id`)
  expect(rows).toEqual([{ id: 'after' }, { id: 'before' }])
})

test('who asks it again does not want to wait', async () => {
  const server = spawnOnDatabase(await freePort())
  await untilReady(server)
  const target = await createTarget(server.url, operator)
  await createNotes(server, target)
  beginImport(target).send({ id: 'without an end' })
  await sleep(300)
  server.child.kill('SIGTERM')
  await expect.poll(() => isServing(server)).toBe(false)
  await sleep(500)
  server.child.kill('SIGTERM')
  expect(await server.exited).toBe(1)
})

test('a port that is taken is named, and the process fails', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const server = spawnOnDatabase(port)
  expect(await server.exited).toBe(1)
  other.close()
  const lines = server.output().split('\n')
  expect(lines.some((line) => line.startsWith(`Port ${port}`) && line.includes('BASALT_PORT'))).toBe(true)
})

test('every fault of the configuration is told at once, without the values that may be secret', async () => {
  const server = spawnServer(0, {
    BASALT_PORT: 'many',
    BASALT_LOG_LEVEL: 'loud',
    BASALT_MASTER_KEY: 'too-short-a-secret',
    BASALT_LIMIT_PAGE_MAX: '0',
    BASALT_TRUSTED_PROXIES: '10.0.0.0/99',
    BASALT_PROT: '4000',
    DATABASE_URL: 'http://user:hunter2@database',
  })
  expect(await server.exited).toBe(2)
  const faults = [
    'BASALT_PORT',
    'BASALT_LOG_LEVEL',
    'BASALT_MASTER_KEY',
    'BASALT_LIMIT_PAGE_MAX',
    'BASALT_TRUSTED_PROXIES',
    'BASALT_PROT',
    'DATABASE_URL',
  ]
  for (const name of faults) expect(server.output()).toMatch(new RegExp(`- ${name}\\b`))
  expect(server.output()).not.toMatch(/hunter2|too-short-a-secret/)
  // A sentence for each, and no stack.
  expect(server.output()).not.toMatch(/\n\s+at /)
})
