import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startOn, startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { documentsOf, faultsOf, idsOf } from './documents-of.ts'

let server: TestServer
let project: TestProject

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
})

afterAll(() => server.stop())

const put = (name: string, definition: object, query = '') =>
  project.call('PUT', `/collections/${name}${query}`, { body: definition })
const steps = ({ body }: { body: { changes: { kind: string; target: string }[] } }) =>
  body.changes.map(({ kind, target }) => `${kind} ${target}`)

async function indexesOf(name: string): Promise<{ indexdef: string; valid: boolean }[]> {
  const { rows } = await server.services.db.query(
    `SELECT indexdef, indisvalid AS valid
     FROM pg_indexes
     JOIN pg_class ON relname = indexname
     JOIN pg_index ON indexrelid = pg_class.oid
     WHERE tablename = $1 AND indexname NOT LIKE '%_pkey'`,
    [name],
  )
  return rows
}

describe('declaring', () => {
  const definition = {
    schema: { type: 'object' },
    indexes: [{ fields: ['a', '-b.c'] }, { fields: ['mail'], unique: true }],
    rules: { read: 'true', list: 'auth != null' },
    fields: { author: { relation: 'authors' }, secret: { read: 'false' } },
  }

  test('creates with 201, tells what it did, and does nothing the second time', async () => {
    const first = await put('declared', definition)
    expect(first.status).toBe(201)
    expect(new Set(steps(first))).toEqual(
      new Set([
        'create_collection declared',
        'create_index a, -b.c',
        'create_index mail',
        'change_schema schema',
        'change_rule read',
        'change_rule list',
        'change_field author',
        'change_field secret',
      ]),
    )
    const second = await put('declared', definition)
    expect([second.status, steps(second)]).toEqual([200, []])
    const { body } = await project.call('GET', '/collections/declared')
    expect(body).toMatchObject({ name: 'declared', ...definition })
    expect((await project.call('GET', '/collections')).body.collections).toContainEqual(body)
    expect(await indexesOf('declared')).toHaveLength(2)
  })

  test('warns of rules that are always true, and of relations to nowhere', async () => {
    const { body } = await put('declared', definition)
    expect(body.warnings.join('\n')).toMatch(/rules\.read is always true[^]*fields\.author refers to authors/)
  })

  test('changes what is different, and drops the indexes that nobody asks for', async () => {
    await put('changing', definition)
    const changed = await put('changing', {
      ...definition,
      indexes: [{ fields: ['mail'] }, { fields: ['a', '-b.c'] }],
      rules: { read: 'true', create: 'true' },
      fields: {},
    })
    expect(new Set(steps(changed))).toEqual(
      new Set([
        'create_index mail',
        'drop_index mail',
        'change_rule list',
        'change_rule create',
        'change_field author',
        'change_field secret',
      ]),
    )
    const indexes = await indexesOf('changing')
    expect(indexes).toHaveLength(2)
    expect(indexes.every(({ indexdef, valid }) => valid && !indexdef.includes('UNIQUE'))).toBe(true)
  })

  test('dryRun tells the same and changes nothing', async () => {
    const dry = await put('never', definition, '?dryRun=true')
    expect([dry.status, dry.body.dryRun, steps(dry).length]).toEqual([200, true, 8])
    expect((await project.call('GET', '/collections/never')).status).toBe(404)
    await put('dry', {})
    const planned = await put('dry', definition, '?dryRun=true')
    expect((await project.call('GET', '/collections/dry')).body).toMatchObject({ indexes: [], rules: {} })
    expect(await indexesOf('dry')).toEqual([])
    expect(steps(await put('dry', definition))).toEqual(steps(planned))
  })

  test.each(['Upper', '1a', '_a', 'a-b', 'a.b', 'ä', 'a'.repeat(49), 'pg catalog', "a'b"])(
    'refuses the name %s',
    async (name) => {
      const answer = await put(encodeURIComponent(name), {})
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
    },
  )

  test.each(['a'.repeat(48), 'user', 'table', 'select', 'documents', 'a__b'])(
    'takes the name %s',
    async (name) => {
      expect((await put(name, { indexes: [{ fields: ['a'] }] })).status).toBe(201)
      const documents = documentsOf(project, name)
      const { id } = (await documents.create({ a: 1 })).body
      expect(idsOf(await documents.query({ where: { a: 1 }, sort: 'a' }))).toEqual([id])
    },
  )

  test('is for those who may change the settings', async () => {
    expect([401, 403]).toContain(
      (await project.call('PUT', '/collections/x', { as: project.publishable, body: {} })).status,
    )
    expect([401, 403]).toContain(
      (await project.call('GET', '/collections', { as: project.publishable })).status,
    )
  })
})

describe('a faulty declaration', () => {
  test('is refused with all its faults at once, rules with their place', async () => {
    const answer = await put('faulty', {
      schema: { type: 'objekt' },
      indexes: [
        { fields: ['a', '_b'] },
        { fields: ["a'b"] },
        { type: 'search', fields: ['a'], unique: true, language: 'klingon' },
        { fields: ['c'], language: 'english' },
        { fields: ['d'] },
        { fields: ['d'] },
      ],
      rules: { read: 'doc.a ==', list: 'before.x == 1', create: 'doc.a\n  && nope(1)' },
      fields: { 'a.b': { relation: 'x' }, c: { read: '1 +' }, __proto: { read: 'true' } },
    })
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
    const paths = new Set(answer.body.errors.map(({ path }: { path: string }) => path))
    for (const path of [
      'schema',
      'indexes[0].fields[1]',
      'indexes[1].fields[0]',
      'indexes[2].unique',
      'indexes[2].language',
      'indexes[3].language',
      'indexes[5]',
      'rules.read',
      'rules.list',
      'rules.create',
      'fields.a.b.relation',
      'fields.c.read',
      'fields.__proto',
    ]) {
      expect(paths).toContain(path)
    }
    const message = (path: string) =>
      answer.body.errors.find((error: { path: string }) => error.path === path).message
    expect(message('rules.read')).toMatch(/1:\d+/)
    expect(message('rules.create')).toMatch(/2:6/)
    expect((await project.call('GET', '/collections/faulty')).status).toBe(404)
  })

  test.each([
    [{ rules: { write: 'true' } }, 'rules.write additionalProperties'],
    [{ rules: { read: true } }, 'rules.read type'],
    [{ indexes: [{ fields: [] }] }, 'indexes.0.fields minItems'],
    [{ indexes: {} }, 'indexes type'],
    [{ more: 1 }, 'more additionalProperties'],
  ])('%j: %s', async (definition, fault) => {
    const answer = await put('faulty', definition)
    expect([answer.status, faultsOf(answer)]).toEqual([400, [fault]])
  })
})

describe('at once', () => {
  test('the same collection twice is made once, or one is told to wait', async () => {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => put('twice', { indexes: [{ fields: ['a'] }] })),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    for (const { status, body, headers } of answers) {
      expect([200, 201, 409]).toContain(status)
      if (status === 409) expect([body.code, headers.get('retry-after')]).toEqual(['conflict', '2'])
    }
  })

  test('forty collections are made, though a node has sixteen connections', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => put(`many_${n}`, { indexes: [{ fields: ['a'] }] })),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 201))
  })

  test('collections that hold documents get their indexes side by side', async () => {
    const names = Array.from({ length: 6 }, (_, n) => `side_${n}`)
    for (const name of names) {
      await put(name, {})
      for (let n = 0; n < 5; n++) await documentsOf(project, name).create({ a: n })
    }
    const answers = await Promise.all(names.map((name) => put(name, { indexes: [{ fields: ['a'] }] })))
    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200))
  })
})

describe('deleting', () => {
  test('removes the collection with its documents, not what is told of them', async () => {
    await put('gone', { indexes: [{ fields: ['a'] }] })
    const gone = documentsOf(project, 'gone')
    const { id } = (await gone.create({ a: 1 })).body
    expect((await project.call('DELETE', '/collections/gone')).status).toBe(204)
    expect((await gone.get(id)).status).toBe(404)
    expect((await gone.create({ a: 1 })).status).toBe(404)
    expect((await project.call('DELETE', '/collections/gone')).status).toBe(404)
    expect((await put('gone', {})).status).toBe(201)
    expect((await gone.get(id)).status).toBe(404)
    const { body } = await project.call('GET', '/changes?limit=500')
    expect(body.changes.some((change: { id: string }) => change.id === id)).toBe(true)
  })

  test('writes under way to another collection don’t notice', async () => {
    await put('stays', {})
    for (let round = 0; round < 3; round++) {
      await put('goes', {})
      const stays = documentsOf(project, 'stays')
      const goes = documentsOf(project, 'goes')
      const writes = Array.from({ length: 60 }, (_, n) => (n % 2 ? stays : goes).create({ n }))
      const removed = project.call('DELETE', '/collections/goes')
      const answers = await Promise.all(writes)
      expect((await removed).status).toBe(204)
      expect(answers.filter((_, n) => n % 2).every(({ status }) => status === 201)).toBe(true)
      expect(answers.every(({ status }) => status === 201 || status === 404)).toBe(true)
    }
  })

  test('of parallel deletions one succeeds', async () => {
    await put('once', {})
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => project.call('DELETE', '/collections/once')),
    )
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
    expect(answers.every(({ status }) => [204, 404, 409].includes(status))).toBe(true)
  })
})

test('another node learns of every change', async () => {
  const url = server.services.config.databaseUrl ?? ''
  const other = await startOn(url)
  try {
    const there = (method: string, path: string, body?: unknown) =>
      other.call(method, `/v1/projects/${project.ref}${path}`, { as: project.secret, body })
    const create = '/collections/seen/documents'
    expect((await there('POST', create, { a: 1 })).status).toBe(404)
    await put('seen', {})
    await expect.poll(async () => (await there('POST', create, { a: 1 })).status).toBe(201)
    await put('seen', { schema: { properties: { a: { type: 'string' } } } })
    await expect.poll(async () => (await there('POST', create, { a: 1 })).status).toBe(422)
    await project.call('DELETE', '/collections/seen')
    expect((await there('POST', create, { a: 'x' })).status).toBe(404)
  } finally {
    await other.stop()
  }
})
