import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'
import { type RawAnswer, sendRaw } from './raw.ts'

const bodyBytes = 20_000

let server: TestServer
let project: TestProject
let documents: string
/** Begun first, since it takes the longest. */
let slowHeaders: Promise<RawAnswer>

beforeAll(async () => {
  server = await startTestServer({ BASALT_LIMIT_BODY_BYTES: String(bodyBytes) })
  slowHeaders = sendRaw(server.url, 'GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ')
  project = await server.createProject()
  await project.defineCollection('notes')
  documents = `/v1/projects/${project.ref}/collections/notes/documents`
})

afterAll(() => server.stop())

const host = 'Host: localhost\r\n'

describe('what is not HTTP, or ambiguous, gets a problem and no connection', () => {
  test.each([
    ['noise', 'garbage\r\n\r\n', 400],
    ['an unknown version', `GET / HTTP/7.3\r\n${host}\r\n`, 400],
    ['an unknown method', `BREW /coffee HTTP/1.1\r\n${host}\r\n`, 400],
    ['a control character in a header', `GET / HTTP/1.1\r\n${host}X: a\u0000b\r\n\r\n`, 400],
    ['a header without a colon', `GET / HTTP/1.1\r\n${host}nonsense\r\n\r\n`, 400],
    ['a length that is no number', `POST / HTTP/1.1\r\n${host}Content-Length: ten\r\n\r\n`, 400],
    ['two lengths', `POST / HTTP/1.1\r\n${host}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde`, 400],
    [
      'a length and chunks, by which requests are smuggled',
      `POST / HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    [
      'a chunk of no length',
      `POST /v1/operators/sign-in HTTP/1.1\r\n${host}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      400,
    ],
    ['headers of more than 16 KiB', `GET / HTTP/1.1\r\n${host}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['an address of more than 16 KiB', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`, 431],
  ])('%s', async (_, bytes, status) => {
    const answer = await sendRaw(server.url, bytes)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    const problem = JSON.parse(answer.body)
    expect(problem).toMatchObject({ status, code: status === 431 ? 'headers_too_large' : 'invalid_request' })
    expect(problem.requestId).toBe(answer.headers.get('x-request-id'))
    expect(problem.requestId).toMatch(/^[0-9a-f-]{36}$/)
    expect(answer.milliseconds).toBeLessThan(5000)
  })
})

describe('bodies', () => {
  /** A document whose request has so many bytes. */
  const bodyOf = (bytes: number): string => {
    const empty = JSON.stringify({ text: '' })
    return JSON.stringify({ text: 'x'.repeat(bytes - empty.length) })
  }
  const head = () =>
    `POST ${documents} HTTP/1.1\r\n${host}Authorization: Bearer ${project.secret}\r\n` +
    'Content-Type: application/json\r\nConnection: close\r\n'

  test.each([
    [bodyBytes - 1, 201],
    [bodyBytes, 201],
    [bodyBytes + 1, 413],
  ])('of %i bytes', async (bytes, status) => {
    const body = bodyOf(bytes)
    expect((await project.call('POST', '/collections/notes/documents', { body })).status).toBe(status)
    const whole = await sendRaw(server.url, `${head()}Content-Length: ${bytes}\r\n\r\n${body}`)
    expect(whole.status).toBe(status)
    const size = Math.ceil(bytes / 7)
    const chunks = Array.from({ length: 7 }, (_, at) => body.slice(at * size, (at + 1) * size))
    const framed = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
    const chunked = await sendRaw(
      server.url,
      `${head()}Transfer-Encoding: chunked\r\n\r\n`,
      ...framed,
      '0\r\n\r\n',
    )
    expect(chunked.status).toBe(status)
    if (status === 413) expect(JSON.parse(chunked.body).code).toBe('payload_too_large')
  })

  test.each([
    ['nothing where a body belongs', '', 'application/json', 400],
    ['broken JSON', '{"a":', 'application/json', 400],
    ['JSON and more', '{"a":1} x', 'application/json', 400],
    ['no object', '[1]', 'application/json', 400],
    ['a number beyond numbers', '{"a":1e999}', 'application/json', 400],
    ['text', 'a=1', 'text/plain', 415],
    ['a form', 'a=1', 'application/x-www-form-urlencoded', 415],
    ['XML', '<a/>', 'application/xml', 415],
    ['JSON by another name', '{"a":1}', 'application/jsonx', 415],
  ])('%s', async (_, body, type, status) => {
    const answer = await project.call('POST', '/collections/notes/documents', {
      body: body === '' ? undefined : body,
      headers: { 'content-type': type },
    })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.body.code).toBe(status === 415 ? 'unsupported_media_type' : 'invalid_request')
  })
})

describe('addresses', () => {
  test.each([
    ['GET', '/'],
    ['GET', '/v1'],
    ['GET', '/v1/nothing'],
    ['GET', '/v2/projects'],
    ['GET', '/healthz/'],
    ['GET', '/V1/projects'],
    ['GET', '//v1/projects'],
    ['PUT', '/v1/projects'],
    ['DELETE', '/v1/projects'],
    ['PATCH', '/healthz'],
    ['POST', '/metrics'],
    ['OPTIONS', '/v1/projects'],
    ['OPTIONS', '*'],
    ['PROPFIND', '/v1/projects'],
  ])('that nothing answers: %s %s', async (method, path) => {
    const line = `${method} ${path} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`
    const answer = await sendRaw(server.url, line)
    expect(answer.status).toBe(404)
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'not_found',
      requestId: answer.headers.get('x-request-id'),
    })
  })

  test.each(['/v1/projects/%ff/keys', '/v1/projects/%/keys', '/%E0%A4%A'])(
    'that are not UTF-8: %s',
    async (path) => {
      const { status, body, headers } = await server.call('GET', path)
      expect(status).toBe(400)
      expect(body).toMatchObject({ code: 'invalid_request', requestId: headers.get('x-request-id') })
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    },
  )

  test('a method in a header or query does not change the method', async () => {
    const { body } = await project.call('POST', '/collections/notes/documents', { body: { text: 'stays' } })
    const path = `/collections/notes/documents/${body.id}`
    for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
      const answer = await project.call('GET', path, { headers: { [name]: 'DELETE' } })
      expect(answer.body.text).toBe('stays')
    }
    expect((await project.call('GET', `${path}?_method=DELETE`)).status).toBe(400)
    expect((await project.call('GET', path)).status).toBe(200)
  })

  test('HEAD answers as GET does, without the body', async () => {
    const { body, headers } = await project.call('POST', '/collections/notes/documents', {
      body: { text: 'x' },
    })
    const head = await project.call('HEAD', `/collections/notes/documents/${body.id}`)
    expect(head.status).toBe(200)
    expect(head.headers.get('etag')).toBe(headers.get('etag'))
    expect(head.body).toBe('')
    expect((await server.call('HEAD', documents)).status).toBe(401)
  })
})

test('every answer has an id of its own, which problems repeat, and is not sniffed or stored', async () => {
  const ids = new Set<string | null>()
  const paths = [
    '/healthz',
    '/nothing',
    documents,
    `${documents}/nobody`,
    '/openapi.json',
    '/docs',
    '/metrics',
  ]
  for (const path of paths) {
    for (const as of [undefined, project.secret]) {
      const { status, headers, body } = await server.call('GET', path, {
        as,
        headers: { 'x-request-id': 'mine', 'request-id': 'mine' },
      })
      const id = headers.get('x-request-id')
      expect(id).toMatch(/^[0-9a-f-]{36}$/)
      expect(ids.has(id)).toBe(false)
      ids.add(id)
      if (status >= 400) expect(body.requestId).toBe(id)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-powered-by')).toBeNull()
      expect(headers.get('server')).toBeNull()
    }
  }
})

test('who sends headers by the drop is not waited for', { timeout: 40_000 }, async () => {
  const { status, milliseconds } = await slowHeaders
  expect(status).toBe(504)
  expect(milliseconds).toBeLessThan(30_000)
})
