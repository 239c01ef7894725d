import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { documentsOf, faultsOf, type TestDocuments } from './documents-of.ts'
import { acceptTestUsers } from './sign-in-as.ts'

let server: TestServer
let project: TestProject
let accounts: TestDocuments

beforeAll(async () => {
  server = await startTestServer()
  acceptTestUsers(server)
  project = await server.createProject()
  await project.defineCollection('accounts', {
    schema: { properties: { balance: { type: 'number', minimum: 0 } } },
    indexes: [{ fields: ['mail'], unique: true }],
    rules: {
      read: 'doc.owner == auth.uid',
      update: 'before.owner == auth.uid',
      create: 'doc.owner == auth.uid',
    },
    fields: { limit: { write: 'false' } },
  })
  await project.defineCollection('log', { rules: { create: 'true' } })
  accounts = documentsOf(project, 'accounts')
})

afterAll(() => server.stop())

const run = (operations: object[], as = project.secret) =>
  project.call('POST', '/transactions', { as, body: { operations } })
const on = (op: string, id: string, data?: object, more: object = {}) => ({
  op,
  collection: 'accounts',
  id,
  ...(data && { data }),
  ...more,
})
const balance = async (id: string) => (await accounts.get(id)).body.balance
const newChanges = async (from: number) =>
  (await project.call('GET', `/changes?after=${from}&limit=500`)).body.changes
const seq = async () => (await project.call('GET', '/changes?limit=500')).body.cursor

describe('all or nothing', () => {
  test('all operations happen, in the order in which they are told', async () => {
    await accounts.put('a', { balance: 10 })
    await accounts.put('old', {})
    const { status, body } = await run([
      on('check', 'a', undefined, { ifVersion: 1 }),
      on('update', 'a', { balance: { $increment: -3 } }),
      on('create', 'b', { balance: 3 }),
      on('replace', 'c', { balance: 0 }),
      on('delete', 'old'),
      { op: 'create', collection: 'log', data: { moved: 3 } },
    ])
    expect(status).toBe(200)
    expect(body.results).toMatchObject([null, { balance: 7 }, { id: 'b' }, { id: 'c' }, null, { moved: 3 }])
    expect([await balance('a'), await balance('b')]).toEqual([7, 3])
    expect((await accounts.get('old')).status).toBe(404)
  })

  test.each([
    ['a document that is missing', on('update', 'missing', { a: 1 }), 404, 'operations[1]'],
    ['an id that is taken', on('create', 'p', {}), 409, 'operations[1].id'],
    ['another version', on('update', 'p', { a: 1 }, { ifVersion: 9 }), 412, 'operations[1]'],
    ['a check that fails', on('check', 'p', undefined, { ifVersion: 9 }), 412, 'operations[1]'],
    ['a check on nothing', on('check', 'missing'), 404, 'operations[1]'],
    ['a deletion of nothing', on('delete', 'missing'), 404, 'operations[1]'],
    [
      'a replacement of a version of nothing',
      on('replace', 'missing', {}, { ifVersion: 1 }),
      412,
      'operations[1]',
    ],
    ['data that is not valid', on('update', 'p', { balance: -1 }), 422, 'operations[1].balance'],
    ['a reserved name', on('create', 'q', { _a: 1 }), 400, 'operations[1]._a'],
    ['an operator that does not exist', on('update', 'p', { a: { $b: 1 } }), 400, 'operations[1].a'],
    ['an id that is none', on('update', 'a b', {}), 400, 'operations[1].id'],
    ['an id with U+0000', on('update', 'nul\0', {}), 400, 'operations[1].id'],
    ['no id', { op: 'delete', collection: 'accounts' }, 400, 'operations[1].id'],
    ['no data', on('create', 'q'), 400, 'operations[1].data'],
    ['a collection that is none', { op: 'create', collection: 'nope', data: {} }, 404, 'operations[1]'],
    ['an internal table', { op: 'create', collection: '_head', data: {} }, 404, 'operations[1]'],
    ['a value that is taken', on('create', 'q', { mail: 'taken' }), 409, 'operations[1].mail'],
  ])('%s undoes everything and is named', async (_name, faulty, status, path) => {
    await accounts.put('p', { balance: 1 })
    await accounts.put('taken', { mail: 'taken' })
    const before = await seq()
    const answer = await run([
      on('update', 'p', { balance: 5 }),
      faulty,
      { op: 'create', collection: 'log', data: {} },
    ])
    expect([answer.status, answer.body.errors[0]?.path]).toEqual([status, path])
    expect(await balance('p')).toBe(1)
    expect(await newChanges(before)).toEqual([])
    await accounts.remove('p')
  })

  test('a faulty shape is refused with the path of every fault', async () => {
    const answer = await run([{ op: 'upsert', collection: 'accounts' }, { op: 'create' }])
    expect(answer.status).toBe(400)
    expect(faultsOf(answer).join(' ')).toMatch(/operations\.0\.op.*operations\.1\.collection/)
    expect((await run([])).status).toBe(400)
  })
})

describe('several operations on one document', () => {
  test('are one change, one version', async () => {
    await accounts.put('f', { balance: 1 })
    const before = await seq()
    const { body } = await run([
      on('update', 'f', { balance: { $increment: 1 } }),
      on('update', 'f', { balance: { $increment: 1 }, tag: 'x' }),
    ])
    expect(
      body.results.map((result: { balance: number; version: number }) => [result.balance, result.version]),
    ).toEqual([
      [2, 2],
      [3, 2],
    ])
    const changes = await newChanges(before)
    expect(changes).toHaveLength(1)
    expect(changes[0]).toMatchObject({
      kind: 'update',
      before: { balance: 1, version: 1 },
      document: { balance: 3, tag: 'x', version: 2 },
    })
    expect((await accounts.get('f')).body.version).toBe(2)
  })

  test('that come to nothing leave nothing', async () => {
    const before = await seq()
    expect((await run([on('create', 'brief', {}), on('delete', 'brief')])).status).toBe(200)
    expect(await newChanges(before)).toEqual([])
    expect((await accounts.get('brief')).status).toBe(404)
  })

  test('created and updated is a creation; deleted and created is an update', async () => {
    const before = await seq()
    await run([on('create', 'g', { balance: 1 }), on('update', 'g', { balance: 2 })])
    await run([on('delete', 'g'), on('create', 'g', { balance: 3 })])
    expect((await newChanges(before)).map(({ kind }: { kind: string }) => kind)).toEqual(['create', 'update'])
    expect((await accounts.get('g')).body).toMatchObject({ balance: 3, version: 2 })
  })
})

test('a unique value passes from a document that is deleted or changed to a new one', async () => {
  await accounts.put('from', { mail: 'm1' })
  expect((await run([on('delete', 'from'), on('create', 'to', { mail: 'm1' })])).status).toBe(200)
  expect((await run([on('create', 'next', { mail: 'm1' }), on('update', 'to', { mail: 'm2' })])).status).toBe(
    200,
  )
})

test('100 operations and not one more', async () => {
  const creates = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ op: 'create', collection: 'log', data: { n } }))
  expect((await run(creates(100))).body.results).toHaveLength(100)
  const refused = await run(creates(101))
  expect([refused.status, faultsOf(refused)]).toEqual([400, ['operations too_many']])
})

describe('rules', () => {
  test('judge each operation, and one refusal refuses all', async () => {
    await accounts.put('mine', { owner: 'ada', balance: 1 })
    await accounts.put('theirs', { owner: 'bob', balance: 1 })
    const own = on('update', 'mine', { balance: 2 })
    expect((await run([own], 'user:ada')).status).toBe(200)
    const hidden = await run([own, on('update', 'theirs', { balance: 0 })], 'user:ada')
    expect([hidden.status, hidden.body.errors[0].path]).toEqual([404, 'operations[1]'])
    const foreign = await run([own, on('create', 'x', { owner: 'bob' })], 'user:ada')
    expect([foreign.status, foreign.body.errors[0].path]).toEqual([403, 'operations[1]'])
    const field = await run([on('update', 'mine', { limit: 1 })], 'user:ada')
    expect([field.status, field.body.errors[0].path]).toEqual([403, 'operations[0].limit'])
    expect((await run([on('delete', 'mine')], 'user:ada')).status).toBe(403)
    expect((await accounts.get('mine')).body).toMatchObject({ balance: 2, version: 2 })
  })

  test('a check tells nothing of what may not be read', async () => {
    await accounts.put('theirs', { owner: 'bob' })
    const codes = await Promise.all(
      ['theirs', 'missing'].map(async (id) => (await run([on('check', id)], 'user:ada')).status),
    )
    expect(codes).toEqual([404, 404])
    expect((await run([on('check', 'theirs')], 'user:bob')).status).toBe(200)
  })
})

test('parallel transfers lose nothing', async () => {
  const ids = ['t0', 't1', 't2', 't3']
  await Promise.all(ids.map((id) => accounts.put(id, { balance: 100 })))
  const transfers = Array.from({ length: 60 }, (_, n) =>
    run([
      on('update', ids[n % 4] ?? '', { balance: { $increment: -30 } }),
      on('update', ids[(n * 3 + 1) % 4] ?? '', { balance: { $increment: 30 } }),
    ]),
  )
  const statuses = new Set((await Promise.all(transfers)).map(({ status }) => status))
  expect([...statuses].filter((status) => status !== 200 && status !== 422)).toEqual([])
  const balances = await Promise.all(ids.map(balance))
  expect(balances.reduce((sum, each) => sum + each, 0)).toBe(400)
  expect(balances.every((each) => each >= 0)).toBe(true)
})
