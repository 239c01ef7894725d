import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../support/realtime-client.ts'
import { startOn, startTestServer, type TestProject, type TestServer } from '../support/server.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer({ BASALT_LOG_LEVEL: 'silent' })
  project = await server.createProject()
  await project.defineCollection('good', {
    rules: { read: 'true', list: "exists('weak', {'id': 'one'})" },
    fields: { weak: { relation: 'weak' } },
  })
})

afterAll(() => server.stop())

const path = (name: string): string => `/collections/${name}/documents`

async function declareWeak(): Promise<void> {
  await project.defineCollection('weak', {
    indexes: [{ fields: ['n'] }],
    rules: { read: 'true', list: 'true', create: 'true' },
  })
}

/** What an older server has stored, and this one does not understand. */
async function breakWeak(column: 'rules' | 'indexes' | 'schema', value: object): Promise<void> {
  const { rowCount } = await server.services.db.query(
    `UPDATE basalt.collections SET ${column} = $1, updated_at = now() WHERE name = 'weak'`,
    [JSON.stringify(value)],
  )
  expect(rowCount).toBe(1)
  await lookAgain()
}

/** The node finds it within seconds by itself; here it is told. */
async function lookAgain(): Promise<void> {
  const found = await server.app.projects.byRef(project.ref)
  if (found !== null) server.app.documents.catalog.changed(found)
}

describe('a stored collection that does not compile any more', () => {
  test.each([
    ['rules', { read: 'doc.(' }],
    ['rules', { nonsense: 'true' }],
    ['indexes', [{ fields: ['-'] }]],
    ['indexes', { not: 'a list' }],
    ['schema', { type: 'no such type' }],
  ] as const)(
    'is closed to everybody by its %s (%j), and the others are as they were',
    async (column, value) => {
      await declareWeak()
      await project.call('PUT', `${path('weak')}/one`, { body: { n: 1 } })
      await project.call('PUT', `${path('good')}/one`, { body: { weak: 'one' } })
      await breakWeak(column, value)

      for (const as of [project.publishable, project.secret]) {
        for (const [method, below, body] of [
          ['GET', ''],
          ['GET', '/one'],
          ['POST', '', { n: 2 }],
          ['DELETE', '/one'],
        ] as const) {
          const { status, body: answer } = await project.call(method, path('weak') + below, { as, body })
          expect([status, answer.code], `${method} ${below}`).toEqual([409, 'declaration_broken'])
        }
        // A rule that looks into it still finds what is stored there.
        expect((await project.call('GET', path('good'), { as })).body.documents).toHaveLength(1)
        const included = await project.call('GET', `${path('good')}/one?include=weak`, { as })
        expect(included.body.code).toBe('declaration_broken')
      }

      const { body: list } = await project.call('GET', '/collections')
      const shown = list.collections.find(({ name }: { name: string }) => name === 'weak')
      expect(shown.faults).toEqual([expect.objectContaining({ path: expect.any(String) })])
      expect((await project.call('GET', '/collections/weak')).body.faults).toEqual(shown.faults)

      await declareWeak()
      expect((await project.call('GET', `${path('weak')}/one`)).body).toMatchObject({ n: 1 })
      expect((await project.call('GET', '/collections/weak')).body).not.toHaveProperty('faults')
    },
  )

  test('can be repaired by a declaration that is empty, and deleted', async () => {
    await declareWeak()
    await breakWeak('indexes', { not: 'a list' })
    await project.defineCollection('weak', {})
    expect((await project.call('GET', path('weak'))).status).toBe(200)
    await breakWeak('rules', { read: '(' })
    expect((await project.call('DELETE', '/collections/weak')).status).toBe(204)
    expect((await project.call('GET', path('weak'))).status).toBe(404)
  })

  test('is so from the start of a node on, and takes what it showed from who follows it', async () => {
    await declareWeak()
    await project.call('PUT', `${path('weak')}/live`, { body: { n: 1 } })
    const client = await connect(server, project)
    client.send({ type: 'subscribe', id: 'weak', collection: 'weak' })
    client.send({ type: 'subscribe', id: 'good', collection: 'good', document: 'one' })
    for (const id of ['weak', 'good']) await client.next('snapshot', id)
    await breakWeak('rules', { list: '(' })
    expect((await client.next('change', 'weak')).changes).toEqual([
      { kind: 'removed', document: { id: 'live' } },
    ])
    expect(await client.next('error', 'weak')).toMatchObject({ code: 'declaration_broken' })
    await project.call('PUT', `${path('good')}/one`, { body: { n: 2 } })
    await client.next('change', 'good')
    await client.close()

    const fresh = await startOn(server.services.config.databaseUrl ?? '', { BASALT_LOG_LEVEL: 'silent' })
    const ask = (name: string) =>
      fresh.call('GET', `/v1/projects/${project.ref}${path(name)}/one`, { as: project.publishable })
    expect((await ask('weak')).body.code).toBe('declaration_broken')
    expect((await ask('good')).status).toBe(200)
    await fresh.stop()
  })
})

describe('stored channel rules that do not compile any more', () => {
  test('close their channels, not those of other patterns, and do not leave them to a wider one', async () => {
    const put = (pattern: string, rules: object) =>
      project.call('PUT', `/channels/rules/${pattern}`, { body: { rules } })
    await put('hall:*', { join: 'true', broadcast: 'true' })
    await put('hall:small', { join: 'true', broadcast: 'true' })
    const client = await connect(server, project)
    client.send({ type: 'join', id: 'small', channel: 'hall:small' })
    client.send({ type: 'join', id: 'great', channel: 'hall:great' })
    for (const id of ['small', 'great']) await client.next('presence', id)

    await server.services.db.query(
      `UPDATE basalt.channel_rules SET rules = '{"join": "("}' WHERE pattern = 'hall:small'`,
    )
    await put('elsewhere', { join: 'true' })
    expect(await client.next('error', 'small')).toMatchObject({ code: 'declaration_broken' })
    client.send({ type: 'join', id: 'again', channel: 'hall:small' })
    expect(await client.next('error', 'again')).toMatchObject({ code: 'declaration_broken' })
    const say = (channel: string) =>
      project.call('POST', `/channels/${channel}/broadcast`, {
        as: project.publishable,
        body: { event: 'e' },
      })
    expect((await say('hall:small')).body.code).toBe('declaration_broken')
    expect((await say('hall:great')).status).toBe(202)
    await client.next('broadcast', 'great')

    await put('hall:small', { join: 'true' })
    client.send({ type: 'join', id: 'back', channel: 'hall:small' })
    await client.next('presence', 'back')
    await client.close()
  })
})
