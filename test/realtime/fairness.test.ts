import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, type RealtimeClient } from '../support/realtime-client.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
})

afterAll(() => server.stop())

async function follow(project: TestProject, limit: number): Promise<RealtimeClient> {
  await project.defineCollection('posts', { rules: { list: 'true' } })
  const client = await connect(server, project)
  client.send({ type: 'subscribe', id: 's', collection: 'posts', sort: '-n', limit })
  await client.next('snapshot', 's')
  return client
}

/** As if so many writes had been committed elsewhere, all at once, and this node heard of it now. */
async function commit({ ref }: TestProject, count: number): Promise<void> {
  const { db, bus } = server.services
  await db.query(`
    SET LOCAL synchronous_commit = off;
    UPDATE p_${ref}._head SET seq = ${count};
    INSERT INTO p_${ref}._changes (seq, kind, collection, id, version, at, created_at, data, actor)
    SELECT n, 'create', 'posts', 'id' || n, 1, t, t, jsonb_build_object('n', n, 'text', repeat('x', 200)), 'anonymous'
    FROM generate_series(1, ${count}) AS n, (VALUES ('2026-01-01T00:00:00.000Z')) AS now (t);`)
  const project = await server.app.projects.byRef(ref)
  bus.publish('changes', project?.id ?? '')
}

test('a flood of changes of one project does not hold up those of another', async () => {
  const count = 40_000
  const noisy = await server.createProject('Noisy')
  const quiet = await server.createProject('Quiet')
  const flooded = await follow(noisy, 10)
  const calm = await follow(quiet, 10)

  // The other project's only change comes when the flood is already under way.
  let floodSeen = 0
  let committed: Promise<void> | undefined
  let floodSeenBeforeQuiet: number | undefined
  flooded.socket.on('message', (data) => {
    const { type, changes = [] } = JSON.parse((data as Buffer).toString())
    if (type !== 'change') return
    for (const { kind, document } of changes) if (kind === 'added') floodSeen = document.n
    committed ??= commit(quiet, 1)
  })
  calm.socket.on('message', () => (floodSeenBeforeQuiet ??= floodSeen))

  await commit(noisy, count)
  await calm.next('change', 's')
  await expect.poll(() => floodSeen, { timeout: 30_000 }).toBe(count)
  await committed
  expect(floodSeenBeforeQuiet).toBeGreaterThan(0)
  expect(floodSeenBeforeQuiet).toBeLessThan(count)
  for (const client of [flooded, calm]) await client.close()
}, 60_000)
