import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'
import { documentsOf, faultsOf, type TestDocuments } from './documents-of.ts'

let server: TestServer
let notes: TestDocuments

beforeAll(async () => {
  server = await startTestServer()
  const project = await server.createProject()
  await project.defineCollection('notes')
  notes = documentsOf(project, 'notes')
})

afterAll(() => server.stop())

/** The data that a patch of the data leads to. */
async function patched(data: object, patch: object): Promise<unknown> {
  const { id } = (await notes.create(data)).body
  const answer = await notes.patch(id, patch)
  if (answer.status !== 200) return { status: answer.status, faults: faultsOf(answer) }
  const stored = (await notes.get(id)).body
  expect(stored).toEqual(answer.body)
  const { id: _id, createdAt: _created, updatedAt: _updated, version, ...after } = stored
  expect(version).toBe(2)
  return after
}

// RFC 7396, appendix A: the cases whose target and patch are objects.
test.each([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  [{ a: 'text' }, { a: { b: 1 } }, { a: { b: 1 } }],
  [{ a: 1 }, { a: [null, { b: null }] }, { a: [null, { b: null }] }],
])('%j patched with %j becomes %j', async (data, patch, after) => {
  expect(await patched(data, patch)).toEqual(after)
})

describe('operators', () => {
  test.each([
    ['$increment', { n: 1 }, { n: { $increment: 2.5 } }, { n: 3.5 }],
    ['$increment of what is missing', {}, { n: { $increment: -2 } }, { n: -2 }],
    ['$append of one', { l: [1] }, { l: { $append: 1 } }, { l: [1, 1] }],
    ['$append of several', {}, { l: { $append: [1, [2]] } }, { l: [1, [2]] }],
    [
      '$addUnique, in any order of keys',
      { l: [{ a: 1, b: 2 }, 3] },
      { l: { $addUnique: [{ b: 2, a: 1 }, 4, 4, '3'] } },
      { l: [{ a: 1, b: 2 }, 3, 4, '3'] },
    ],
    ['$remove', { l: [1, 2, 1, '1', [1]] }, { l: { $remove: [1, [1]] } }, { l: [2, '1'] }],
    ['$remove from what is missing', {}, { l: { $remove: 1 } }, { l: [] }],
    ['$min', { n: 5, s: 'b' }, { n: { $min: 3 }, s: { $min: 'c' } }, { n: 3, s: 'b' }],
    ['$max', { n: 5 }, { n: { $max: 3 }, m: { $max: 0 } }, { n: 5, m: 0 }],
    ['$unset', { a: 1, b: 2 }, { a: { $unset: true } }, { b: 2 }],
    [
      'one deep inside',
      { a: { b: { c: 1 } } },
      { a: { b: { c: { $increment: 1 } } } },
      { a: { b: { c: 2 } } },
    ],
  ])('%s', async (_name, data, patch, after) => {
    expect(await patched(data, patch)).toEqual(after)
  })

  test('$now sets the time of the write', async () => {
    const { id } = (await notes.create({})).body
    const { body } = await notes.patch(id, { seen: { $now: true } })
    expect(body.seen).toBe(body.updatedAt)
  })

  test.each([
    [{ n: { $increment: '1' } }, 'n wrong_type'],
    [{ n: { $increment: null } }, 'n wrong_type'],
    [{ n: { $min: true } }, 'n wrong_type'],
    [{ n: { $max: [1] } }, 'n wrong_type'],
    [{ n: { $now: 1 } }, 'n wrong_type'],
    [{ n: { $unset: false } }, 'n wrong_type'],
    [{ n: { $rename: 'm' } }, 'n unknown_operator'],
    [{ a: { n: { $where: '1' } } }, 'a.n unknown_operator'],
    [{ n: { $increment: 1, $append: 1 } }, 'n mixed_operators'],
    [{ n: { $increment: 1, m: 1 } }, 'n mixed_operators'],
    [{ $increment: { n: 1 } }, '$increment reserved'],
  ])('%j is refused with 400', async (patch, fault) => {
    expect(await patched({ n: 1 }, patch)).toEqual({ status: 400, faults: [fault] })
  })

  test.each([
    [{ n: 'a' }, { n: { $increment: 1 } }],
    [{ n: 1 }, { n: { $append: 1 } }],
    [{ n: {} }, { n: { $addUnique: 1 } }],
    [{ n: 'a' }, { n: { $remove: 'a' } }],
    [{ n: 'a' }, { n: { $min: 1 } }],
    [{ n: [] }, { n: { $max: 'a' } }],
  ])('%j can not take %j: 422', async (data, patch) => {
    expect(await patched(data, patch)).toEqual({ status: 422, faults: ['n wrong_type'] })
  })

  test('an increment beyond all numbers is refused', async () => {
    expect(await patched({ n: 1.7e308 }, { n: { $increment: 1.7e308 } })).toEqual({
      status: 422,
      faults: ['n out_of_range'],
    })
  })

  test('an operator inside of a new document or of an operand is a reserved name', async () => {
    expect(faultsOf(await notes.create({ n: { $increment: 1 } }))).toEqual(['n.$increment reserved'])
    expect(await patched({}, { l: { $append: { $now: true } } })).toMatchObject({ status: 400 })
    expect(await patched({}, { l: [{ $now: true }] })).toMatchObject({ status: 400 })
  })

  test('large lists take no time that others would feel', async () => {
    const many = Array.from({ length: 100_000 }, (_, n) => n)
    const { id } = (await notes.create({ l: many })).body
    const started = performance.now()
    const added = await notes.patch(id, { l: { $addUnique: many.map((n) => -n) } })
    expect(added.status).toBe(413)
    expect((await notes.patch(id, { l: { $remove: many.slice(1) } })).body.l).toEqual([0])
    expect(performance.now() - started).toBeLessThan(4_000)
  })
})

test('a patch sets no system field', async () => {
  for (const name of ['id', 'createdAt', 'updatedAt', 'version']) {
    expect(await patched({}, { [name]: 1 })).toEqual({ status: 400, faults: [`${name} reserved`] })
  }
})
