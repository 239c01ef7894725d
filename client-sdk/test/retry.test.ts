import { BasaltError } from '../src/client.ts'
import { describe, expect, test } from 'vitest'
import { answer, drop, failureOf, hang, problem, scriptedServer } from './scripted-server.ts'

const busy = problem(503, 'unavailable', { 'retry-after': '0' })
const document = { id: 'a', version: 1, title: 'x' }

describe('what may pass is tried again', () => {
  test('a write goes out again under the same idempotency key', async () => {
    const server = await scriptedServer(busy, drop, answer(201, document))
    expect(await server.client().collection('posts').create({ title: 'x' })).toEqual(document)
    const keys = server.seen.map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(3)
    expect(keys[0]).toMatch(/^[\w-]{32,36}$/)
    expect(new Set(keys).size).toBe(1)
  })

  test('two writes have two idempotency keys', async () => {
    const server = await scriptedServer(answer(201, document))
    const posts = server.client().collection('posts')
    await posts.create({})
    await posts.create({})
    expect(server.seen[0]!.headers['idempotency-key']).not.toBe(server.seen[1]!.headers['idempotency-key'])
  })

  test('a read goes out again after a broken connection', async () => {
    const server = await scriptedServer(drop, answer(200, document))
    expect(await server.client().collection('posts').get('a')).toEqual(document)
    expect(server.seen.map(({ headers }) => headers['idempotency-key'])).toEqual([undefined, undefined])
  })

  test('an answer that breaks off in its body counts as a broken connection', async () => {
    const half: typeof drop = (response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"id":', () => response.destroy())
    }
    const server = await scriptedServer(half, answer(200, document))
    expect(await server.client().collection('posts').get('a')).toEqual(document)
  })

  test.each([
    [429, 'rate_limited'],
    [502, 'unexpected_response'],
    [504, 'timeout'],
  ])('after %i', async (status, code) => {
    const server = await scriptedServer(problem(status, code), answer(200, document))
    await server.client().collection('posts').get('a')
    expect(server.seen).toHaveLength(2)
  })

  test('a conflict that says when to come back is the first try still under way', async () => {
    const server = await scriptedServer(
      problem(409, 'conflict', { 'retry-after': '0' }),
      answer(201, document),
    )
    await server.client().collection('posts').create({})
    expect(server.seen).toHaveLength(2)
  })

  test('not before the time that the server asks for', async () => {
    const server = await scriptedServer(
      problem(429, 'rate_limited', { 'retry-after': '1' }),
      answer(200, document),
    )
    const start = performance.now()
    await server.client().collection('posts').get('a')
    expect(performance.now() - start).toBeGreaterThanOrEqual(995)
  })

  test('as often as said, then the error comes out', async () => {
    const server = await scriptedServer(busy)
    const error = await failureOf(server.client({ retries: 2 }).collection('posts').get('a'))
    expect(error).toMatchObject({ code: 'unavailable', status: 503 })
    expect(server.seen).toHaveLength(3)
  })
})

describe('what will not pass is not tried again', () => {
  test.each([
    [400, 'invalid_request'],
    [404, 'not_found'],
    [409, 'already_exists'],
    [412, 'version_mismatch'],
    [429, 'quota_exceeded'],
    [500, 'internal'],
  ])('%i %s', async (status, code) => {
    const server = await scriptedServer(problem(status, code))
    const error = await failureOf(server.client().collection('posts').create({}))
    expect(error).toBeInstanceOf(BasaltError)
    expect(error).toMatchObject({ code, status, detail: `detail of ${code}`, requestId: 'r1' })
    expect(server.seen).toHaveLength(1)
  })

  test('when the server asks to wait past the deadline', async () => {
    const server = await scriptedServer(problem(503, 'unavailable', { 'retry-after': '60' }))
    const start = performance.now()
    const error = await failureOf(server.client({ timeoutMs: 5_000 }).collection('posts').get('a'))
    expect(error).toMatchObject({ code: 'unavailable', retryAfterMs: 60_000 })
    expect(performance.now() - start).toBeLessThan(2_000)
    expect(server.seen).toHaveLength(1)
  })
})

describe('errors', () => {
  test('faults by field reach the caller', async () => {
    const errors = [{ path: 'votes', code: 'wrong_type', message: 'must be a number' }]
    const server = await scriptedServer(answer(422, { code: 'validation_failed', detail: 'no', errors }))
    const error = await failureOf(server.client().collection('posts').create({}))
    expect(error).toMatchObject({ code: 'validation_failed', errors })
  })

  test('no server at all is code network', async () => {
    const server = await scriptedServer(drop)
    const error = await failureOf(server.client({ retries: 0 }).collection('posts').get('a'))
    expect(error).toBeInstanceOf(BasaltError)
    expect(error).toMatchObject({ code: 'network', status: undefined })
  })

  test.each([200, 404])('an answer that is not from Basalt is named so (%i)', async (status) => {
    const server = await scriptedServer((response) =>
      response.writeHead(status).end('<html>Sign in to the WLAN'),
    )
    const error = await failureOf(server.client().collection('posts').get('a'))
    expect(error).toMatchObject({ code: 'unexpected_response', status })
  })
})

describe('deadline and abort', () => {
  test('silence ends with code timeout', async () => {
    const server = await scriptedServer(hang)
    const error = await failureOf(server.client({ timeoutMs: 100 }).collection('posts').get('a'))
    expect(error).toBeInstanceOf(BasaltError)
    expect(error).toMatchObject({ code: 'timeout' })
  })

  test('a client may wait without end', async () => {
    const server = await scriptedServer((response) => void setTimeout(() => response.end('{"id":"a"}'), 50))
    await expect(server.client({ timeoutMs: Infinity }).collection('posts').get('a')).resolves.toEqual({
      id: 'a',
    })
  })

  test('an abort under way ends with its reason', async () => {
    const server = await scriptedServer(hang)
    const controller = new AbortController()
    const failure = failureOf(server.client().collection('posts').find({ signal: controller.signal }))
    setTimeout(() => controller.abort(), 50)
    expect(await failure).toMatchObject({ name: 'AbortError' })
    expect(await failure).toBe(controller.signal.reason)
  })

  test('an abort while waiting for the next try ends with its reason', async () => {
    const server = await scriptedServer(problem(503, 'unavailable', { 'retry-after': '10' }))
    const reason = new Error('the user left')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 100)
    const { signal } = controller
    expect(await failureOf(server.client().collection('posts').create({}, { signal }))).toBe(reason)
    expect(server.seen).toHaveLength(1)
  })

  test('what is aborted beforehand is never sent', async () => {
    const server = await scriptedServer(answer(200, document))
    const signal = AbortSignal.abort()
    expect(await failureOf(server.client().collection('posts').delete('a', { signal }))).toBe(signal.reason)
    expect(server.seen).toHaveLength(0)
  })
})
