import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { documentsOf, faultsOf, type TestDocuments } from './documents-of.ts'

let server: TestServer
let project: TestProject
let notes: TestDocuments

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  await project.defineCollection('notes')
  notes = documentsOf(project, 'notes')
})

afterAll(() => server.stop())

describe('creating', () => {
  test('answers 201 with the document, its version as ETag, and times in UTC', async () => {
    const { status, headers, body } = await notes.create({ title: 'One', list: [1, null, { a: 'b' }] })
    expect(status).toBe(201)
    expect(headers.get('etag')).toBe('"1"')
    expect(body).toMatchObject({ title: 'One', list: [1, null, { a: 'b' }], version: 1 })
    expect(body.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(body.updatedAt).toBe(body.createdAt)
    expect((await notes.get(body.id)).body).toEqual(body)
  })

  test('keeps an id that is given and refuses it the second time', async () => {
    expect((await notes.create({ id: 'my_id-1', title: 'a' })).body.id).toBe('my_id-1')
    const again = await notes.create({ id: 'my_id-1', title: 'b' })
    expect(again.status).toBe(409)
    expect(again.body.code).toBe('already_exists')
    expect((await notes.get('my_id-1')).body.title).toBe('a')
  })

  test('gives ids that sort by time', async () => {
    const ids: string[] = []
    for (let n = 0; n < 20; n++) ids.push((await notes.create({ n })).body.id)
    expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/.test(id))).toBe(true)
    expect([...ids].sort()).toEqual(ids)
  })

  test.each(['', 'with space', 'ä', 'a/b', 'a'.repeat(65), 7, null, ['x'], { $eq: 'x' }, 'nul\0'])(
    'refuses the id %j',
    async (id) => {
      const answer = await notes.create({ id })
      expect(answer.status).toBe(400)
      expect(faultsOf(answer)).toEqual(['id invalid_id'])
    },
  )

  test('takes an empty document', async () => {
    const { body } = await notes.create({})
    expect(Object.keys((await notes.get(body.id)).body)).toEqual(['id', 'createdAt', 'updatedAt', 'version'])
  })
})

describe('reading', () => {
  test.each(['none', 'a%20b', 'ä', 'nul%00', 'x'.repeat(64)])('no document %s is 404 or 400', async (id) => {
    const { status, body } = await notes.get(decodeURIComponent(id))
    expect([400, 404]).toContain(status)
    expect(['invalid_request', 'not_found']).toContain(body.code)
  })

  test('an unknown collection and a reserved name are 404', async () => {
    for (const name of ['nothing', '_head', '_changes', 'NOTES', 'pg_class', 'constructor', 'a.b', "n'"]) {
      const { status, body } = await documentsOf(project, name).get('x')
      expect([name, status, body.code]).toEqual([name, 404, 'not_found'])
      expect((await documentsOf(project, name).create({ a: 1 })).status).toBe(404)
    }
  })

  test('answers 304 while the ETag is the newest, and the document when it is not', async () => {
    const { body } = await notes.create({ n: 1 })
    const ifNoneMatch = (tag: string) => notes.get(body.id, { headers: { 'if-none-match': tag } })
    for (const tag of ['"1"', 'W/"1"', '"7", "1"', '*']) {
      const same = await ifNoneMatch(tag)
      expect([tag, same.status, same.body]).toEqual([tag, 304, ''])
      expect(same.headers.get('etag')).toBe('"1"')
    }
    await notes.patch(body.id, { n: 2 })
    expect((await ifNoneMatch('"1"')).body).toMatchObject({ n: 2, version: 2 })
  })

  test('selects fields, and always the id', async () => {
    const { body } = await notes.create({ title: 'T', author: { name: 'Ada', mail: 'a@b' }, votes: 1 })
    const selected = await notes.get(body.id, { query: '?fields=title,author.name,version' })
    expect(selected.body).toEqual({ id: body.id, version: 1, title: 'T', author: { name: 'Ada' } })
    const bad = await notes.get(body.id, { query: '?fields=title,__proto__' })
    expect([bad.status, faultsOf(bad)]).toEqual([400, ['fields[1] invalid_path']])
  })
})

describe('replacing', () => {
  test('creates with 201, then replaces with 200 and forgets what is not given', async () => {
    const created = await notes.put('put-1', { a: 1, b: 2 })
    expect([created.status, created.headers.get('etag')]).toEqual([201, '"1"'])
    const replaced = await notes.put('put-1', { id: 'put-1', b: null })
    expect([replaced.status, replaced.headers.get('etag')]).toEqual([200, '"2"'])
    expect(replaced.body).toEqual({
      id: 'put-1',
      b: null,
      version: 2,
      createdAt: created.body.createdAt,
      updatedAt: expect.any(String),
    })
  })

  test('refuses an id in the body that is not the one in the address', async () => {
    const answer = await notes.put('put-2', { id: 'put-3' })
    expect([answer.status, faultsOf(answer)]).toEqual([400, ['id mismatch']])
    expect((await notes.get('put-2')).status).toBe(404)
  })
})

describe('preconditions', () => {
  test('If-Match lets a write through at its version only', async () => {
    const { body } = await notes.create({ n: 0 })
    const ifMatch = (tag: string) => ({ headers: { 'if-match': tag } })
    expect((await notes.patch(body.id, { n: 1 }, ifMatch('"1"'))).body.version).toBe(2)
    for (const stale of [
      await notes.patch(body.id, { n: 9 }, ifMatch('"1"')),
      await notes.put(body.id, { n: 9 }, ifMatch('"1"')),
      await notes.remove(body.id, ifMatch('"1"')),
      await notes.remove(body.id, ifMatch('"3"')),
    ]) {
      expect([stale.status, stale.body.code]).toEqual([412, 'version_mismatch'])
    }
    expect((await notes.get(body.id)).body).toMatchObject({ n: 1, version: 2 })
    expect((await notes.remove(body.id, ifMatch('"2"'))).status).toBe(204)
  })

  test('If-Match: * writes only what is there', async () => {
    const any = { headers: { 'if-match': '*' } }
    const missing = await notes.put('only-if-there', { n: 1 }, any)
    expect([missing.status, missing.body.code]).toEqual([412, 'version_mismatch'])
    await notes.put('only-if-there', { n: 1 })
    expect((await notes.put('only-if-there', { n: 2 }, any)).status).toBe(200)
  })

  test('If-None-Match: * writes only what is not there', async () => {
    const none = { headers: { 'if-none-match': '*' } }
    expect((await notes.put('only-new', { n: 1 }, none)).status).toBe(201)
    const again = await notes.put('only-new', { n: 2 }, none)
    expect([again.status, again.body.code]).toEqual([412, 'version_mismatch'])
    expect((await notes.get('only-new')).body.n).toBe(1)
  })

  test('a tag that is no version is refused', async () => {
    for (const tag of ['1', 'abc', '"0"', '"1", "2"', 'W/"1"']) {
      const answer = await notes.put('only-new', { n: 3 }, { headers: { 'if-match': tag } })
      expect([tag, answer.status, faultsOf(answer)]).toEqual([tag, 400, ['If-Match invalid_header']])
    }
  })

  test('of many parallel writes with one If-Match exactly one succeeds', async () => {
    const { body } = await notes.create({ n: 0 })
    const writes = await Promise.all(
      Array.from({ length: 30 }, (_, n) => notes.patch(body.id, { n }, { headers: { 'if-match': '"1"' } })),
    )
    const count = (wanted: number) => writes.filter(({ status }) => status === wanted).length
    expect([count(200), count(412)]).toEqual([1, 29])
  })
})

describe('deleting', () => {
  test('answers 204, and 404 for what is not there', async () => {
    const { body } = await notes.create({ n: 0 })
    expect((await notes.remove(body.id)).status).toBe(204)
    for (const { status } of [
      await notes.remove(body.id),
      await notes.get(body.id),
      await notes.patch(body.id, { n: 1 }),
    ]) {
      expect(status).toBe(404)
    }
  })

  test('an id may be used again, from version 1', async () => {
    await notes.create({ id: 'again', n: 1 })
    await notes.patch('again', { n: 2 })
    await notes.remove('again')
    expect((await notes.create({ id: 'again', n: 3 })).body).toMatchObject({ n: 3, version: 1 })
  })
})
