import { afterAll, beforeAll, expect, test } from 'vitest'
import { startOn, startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { documentsOf, type TestDocuments } from './documents-of.ts'

let first: TestServer
let second: TestServer
let project: TestProject
/** The same collection, through two nodes on one database. */
let nodes: readonly TestDocuments[]

interface Change {
  seq: number
  kind: 'create' | 'update' | 'delete'
  id: string
  document: { version: number; n: number } | null
  before: { version: number; n: number } | null
}

beforeAll(async () => {
  first = await startTestServer()
  second = await startOn(first.services.config.databaseUrl ?? '')
  project = await first.createProject()
  await project.defineCollection('things', { indexes: [{ fields: ['slot'], unique: true }] })
  nodes = [documentsOf(project, 'things'), documentsOf(onSecond(project), 'things')]
})

afterAll(async () => {
  await second.stop()
  await first.stop()
})

function onSecond(original: TestProject): TestProject {
  const base = `/v1/projects/${original.ref}`
  return {
    ...original,
    call: (method, path, options) => second.call(method, base + path, { as: original.secret, ...options }),
  }
}

function node(n: number): TestDocuments {
  const chosen = nodes[n % nodes.length]
  if (chosen === undefined) throw new Error('no node')
  return chosen
}

const times = <T>(count: number, run: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => run(n)))

test('200 increments of one document make 200', async () => {
  await node(0).create({ id: 'hot', n: 0 })
  const answers = await times(200, () => node(0).patch('hot', { n: { $increment: 1 } }))
  expect(answers.every(({ status }) => status === 200)).toBe(true)
  expect((await node(0).get('hot')).body).toMatchObject({ n: 200, version: 201 })
})

test('200 increments through two nodes make 200', async () => {
  await node(0).create({ id: 'hotter', n: 0 })
  const answers = await times(200, (n) => node(n).patch('hotter', { n: { $increment: 1 } }))
  expect(answers.every(({ status }) => status === 200)).toBe(true)
  expect((await node(1).get('hotter')).body).toMatchObject({ n: 200, version: 201 })
  expect(new Set(answers.map(({ body }) => body.version)).size).toBe(200)
})

test('of parallel creations of one id one succeeds', async () => {
  for (const id of ['same1', 'same2', 'same3']) {
    const answers = await times(40, (n) => node(n).create({ id, n }))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(39)
    const winner = answers.find(({ status }) => status === 201)
    expect((await node(0).get(id)).body).toEqual(winner?.body)
  }
})

test('of parallel puts of one id one creates, and the last one stays', async () => {
  const answers = await times(40, (n) => node(n).put('put', { n }))
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(39)
  const { body } = await node(0).get('put')
  expect(body.version).toBe(40)
  expect(answers.find((answer) => answer.body.version === 40)?.body).toEqual(body)
})

test('deletions and creations of one id alternate', async () => {
  const answers = await times(60, (n) =>
    n % 2 ? node(n >> 1).create({ id: 'blink', n }) : node(n >> 1).remove('blink'),
  )
  const count = (status: number) => answers.filter((answer) => answer.status === status).length
  const exists = (await node(0).get('blink')).status === 200
  expect(count(201) - count(204)).toBe(exists ? 1 : 0)
  expect(answers.every(({ status }) => [201, 204, 404, 409].includes(status))).toBe(true)
})

test('mixed writes through two nodes leave a log without gaps, in commit order, that leads to what is stored', async () => {
  const start = (await project.call('GET', '/changes?limit=500')).body
  let from = start.cursor
  while ((await project.call('GET', `/changes?limit=500&after=${from}`)).body.hasMore) from += 500
  const ids = Array.from({ length: 12 }, (_, n) => `mix${n}`)
  const pick = (n: number) => ids[(n * 7) % ids.length] ?? ''
  const answers = await times(600, (n) => {
    switch (n % 6) {
      case 0:
        return node(n).put(pick(n), { n })
      case 1:
        return node(n).patch(pick(n), { n: { $increment: 1 } })
      case 2:
        return node(n).create({ slot: `s${n % 30}`, n })
      case 3:
        return node(n >> 1).remove(pick(n))
      case 4:
        return node(n).create({ id: pick(n), n, bad: n % 12 === 4 ? { $bad: 1 } : 1 })
      default:
        return (n % 4 < 2 ? project : onSecond(project)).call('POST', '/transactions', {
          body: {
            operations: [
              { op: 'replace', collection: 'things', id: pick(n), data: { n } },
              { op: 'replace', collection: 'things', id: pick(n + 1), data: { n } },
              ...(n % 5 === 0 ? [{ op: 'check', collection: 'things', id: 'missing' }] : []),
            ],
          },
        })
    }
  })
  expect(answers.filter(({ status }) => status >= 500)).toEqual([])

  const changes: Change[] = []
  for (let after = from; ;) {
    const { body } = await project.call('GET', `/changes?after=${after}&limit=500`)
    changes.push(...body.changes)
    after = body.cursor
    if (!body.hasMore) break
  }
  expect(changes.map(({ seq }) => seq)).toEqual(changes.map((_, n) => from + n + 1))

  // Each change starts where the one before it left the document.
  const state = new Map<string, Change['document']>()
  for (const { id, kind, before, document } of changes) {
    if (!id.startsWith('mix')) continue
    expect(before ?? undefined).toEqual(state.get(id) ?? undefined)
    expect(kind).toBe(before === null ? 'create' : document === null ? 'delete' : 'update')
    if (kind === 'update') expect(document?.version).toBe((before?.version ?? 0) + 1)
    state.set(id, document)
  }
  for (const id of ids) {
    const { status, body } = await node(1).get(id)
    expect(status === 200 ? body : null).toEqual(state.get(id) ?? null)
  }
  const written = answers.reduce((sum, { status, body }, n) => {
    if (status >= 300) return sum
    return sum + (n % 6 === 5 ? body.results.length : 1)
  }, 0)
  expect(changes).toHaveLength(written)
}, 60_000)
