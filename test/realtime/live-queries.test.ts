import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type RealtimeClient } from '../support/realtime-client.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject
let client: RealtimeClient

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  await project.defineCollection('posts', {
    rules: { list: 'doc.public == true', read: 'doc.public == true' },
    fields: { secret: { read: 'false' } },
  })
  client = await connect(server, project)
})

afterAll(async () => {
  await client.close()
  await server.stop()
})

const documents = '/collections/posts/documents'

async function create(data: object): Promise<{ id: string }> {
  const { body } = await project.call('POST', documents, { body: { public: true, ...data } })
  return body
}

describe('a live query', () => {
  test('begins with a snapshot and goes on with what is added, changed and removed', async () => {
    const first = await create({ room: 'a', n: 1 })
    client.send({ type: 'subscribe', id: 'a', collection: 'posts', where: { room: 'a' }, sort: '-n' })
    const snapshot = await client.next('snapshot', 'a')
    expect(snapshot.documents).toEqual([
      expect.objectContaining({ id: first.id, room: 'a', n: 1, version: 1 }),
    ])

    const second = await create({ room: 'a', n: 2 })
    expect((await client.next('change', 'a')).changes).toEqual([
      { kind: 'added', index: 0, document: expect.objectContaining({ id: second.id, n: 2 }) },
    ])

    await project.call('PATCH', `${documents}/${first.id}`, { body: { n: 3 } })
    expect((await client.next('change', 'a')).changes).toEqual([
      { kind: 'changed', index: 0, document: expect.objectContaining({ id: first.id, n: 3, version: 2 }) },
    ])

    await project.call('DELETE', `${documents}/${first.id}`)
    expect((await client.next('change', 'a')).changes).toEqual([
      { kind: 'removed', document: { id: first.id } },
    ])
    client.send({ type: 'unsubscribe', id: 'a' })
  })

  test('shows no hidden field, and removes what its reader may see no more', async () => {
    client.send({ type: 'subscribe', id: 'b', collection: 'posts', where: { room: 'b' } })
    expect((await client.next('snapshot', 'b')).documents).toEqual([])
    const { id } = await create({ room: 'b', secret: 'hush' })
    const added = await client.next('change', 'b')
    expect(added.changes).toHaveLength(1)
    expect(JSON.stringify(added)).not.toContain('hush')
    await project.call('PATCH', `${documents}/${id}`, { body: { public: false, secret: 'hush hush' } })
    const removed = await client.next('change', 'b')
    expect(removed.changes).toEqual([{ kind: 'removed', document: { id } }])
    client.send({ type: 'unsubscribe', id: 'b' })
  })

  test('with a limit stays exact: the next document moves up', async () => {
    const ids: string[] = []
    for (let n = 1; n <= 4; n++) ids.push((await create({ room: 'c', n })).id)
    client.send({
      type: 'subscribe',
      id: 'c',
      collection: 'posts',
      where: { room: 'c' },
      sort: 'n',
      limit: 2,
    })
    const snapshot = await client.next('snapshot', 'c')
    expect(snapshot.documents.map(({ n }: { n: number }) => n)).toEqual([1, 2])
    await project.call('DELETE', `${documents}/${ids[0]}`)
    expect((await client.next('change', 'c')).changes).toEqual([
      { kind: 'removed', document: { id: ids[0] } },
      { kind: 'added', index: 1, document: expect.objectContaining({ id: ids[2] }) },
    ])
    client.send({ type: 'unsubscribe', id: 'c' })
  })

  test('goes on from a cursor with what was missed, without a snapshot', async () => {
    const kept = await create({ room: 'd', n: 1 })
    const gone = await create({ room: 'd', n: 2 })
    const subscribe = {
      type: 'subscribe',
      id: 'd',
      collection: 'posts',
      where: { room: 'd' },
      sort: 'n',
      limit: 2,
    }
    client.send(subscribe)
    const { cursor } = await client.next('snapshot', 'd')
    client.send({ type: 'unsubscribe', id: 'd' })
    await project.call('DELETE', `${documents}/${gone.id}`)
    await project.call('PATCH', `${documents}/${kept.id}`, { body: { n: 5 } })
    const added = await create({ room: 'd', n: 4 })
    await create({ room: 'd', n: 9 })

    client.send({ ...subscribe, cursor })
    const change = await client.next('change', 'd')
    expect(change.changes).toEqual([
      { kind: 'removed', document: { id: gone.id } },
      { kind: 'added', index: 0, document: expect.objectContaining({ id: added.id }) },
      { kind: 'changed', index: 1, document: expect.objectContaining({ id: kept.id, n: 5 }) },
    ])
    client.send({ type: 'unsubscribe', id: 'd' })
    client.send({ ...subscribe, cursor: change.cursor })
    expect((await client.next('change', 'd')).changes).toEqual([])
  })

  test('is told to begin anew by a cursor of another query', async () => {
    client.send({ type: 'subscribe', id: 'e', collection: 'posts', where: { room: 'e' } })
    const { cursor } = await client.next('snapshot', 'e')
    client.send({ type: 'subscribe', id: 'f', collection: 'posts', where: { room: 'f' }, cursor })
    await client.next('resync', 'f')
    client.send({ type: 'subscribe', id: 'f', collection: 'posts', where: { room: 'f' } })
    await client.next('snapshot', 'f')
  })
})
