import { afterAll, beforeAll, expect, test } from 'vitest'
import { deploy } from '../support/deploy.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

interface Echo {
  caller: string
  url: string
  body: string
  headers: [string, string][]
}

let server: TestServer
let project: TestProject
let address: string

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  address = `${server.url}/v1/projects/${project.ref}/http`
  await deploy(project, {
    echo: `export default http('POST /echo/:id', async (request, { caller }) => Response.json({
      caller, url: request.url, body: await request.text(), headers: [...request.headers],
    }))`,
    stream: `export default http('ANY /stream', (request) => new Response(request.body ?? new ReadableStream({
      async start(controller) {
        for (const part of ['one ', 'two ', 'three']) {
          controller.enqueue(new TextEncoder().encode(part))
          await new Promise((done) => setTimeout(done, 50))
        }
        controller.close()
      },
    })))`,
    page: `export default http('GET /page', () => new Response('<script>document.cookie</script>', { headers: {
      'content-type': 'text/html', 'set-cookie': 'basalt_session=op_x', 'clear-site-data': '"*"',
      'content-security-policy': "default-src 'none'", 'x-content-type-options': 'sniff', 'x-own': 'kept',
      'strict-transport-security': 'max-age=0', 'service-worker-allowed': '/', 'x-basalt-answer': 'error',
    } }))`,
    exact: `export default http('GET /things/new', () => new Response('exact'))`,
    named: `export default http('GET /things/:id', () => new Response('named'))`,
    rest: `export default http('GET /things/*', () => new Response('rest'))`,
    throws: `export default http('GET /throws', () => { throw new Error('no lamps') })`,
    wrong: `export default http('GET /wrong', () => 'text' as never)`,
    breaks: `export default http('GET /breaks', () => new Response(new ReadableStream({
      async start(controller) {
        controller.enqueue(new Uint8Array(10))
        await new Promise((done) => setTimeout(done, 300))
        controller.error(new Error('midway'))
      },
    })))`,
    large: `export default http('POST /large', async (request) => new Response(String((await request.arrayBuffer()).byteLength)))`,
  })
})

afterAll(() => server.stop())

test('a webhook gets through with its own credentials and no sign-in', async () => {
  const response = await fetch(`${address}/echo/7?a=1`, {
    method: 'POST',
    headers: {
      authorization: 'Basic c3RyaXBlOnNlY3JldA==',
      'stripe-signature': 't=1,v1=abc',
      cookie: 'basalt_session=op_0123456789abcdef0123456789abcdef',
      'x-basalt-invocation': 'forged',
      'x-basalt-call': 'forged',
      'x-forwarded-for': '10.0.0.1',
    },
    body: 'raw \u0001 bytes',
  })
  expect(response.status).toBe(200)
  const { caller, url, body, headers } = (await response.json()) as Echo
  expect({ caller, body }).toEqual({ caller: 'anonymous', body: 'raw \u0001 bytes' })
  expect(new URL(url).pathname + new URL(url).search).toBe(`/v1/projects/${project.ref}/http/echo/7?a=1`)
  const names = new Map<string, string>(headers)
  expect(names.get('authorization')).toBe('Basic c3RyaXBlOnNlY3JldA==')
  expect(names.get('stripe-signature')).toBe('t=1,v1=abc')
  expect(names.get('x-forwarded-for')).not.toBe('10.0.0.1')
  expect(
    [...names.keys()].filter(
      (name) => name === 'cookie' || name.startsWith('x-basalt') || name.startsWith('cf-'),
    ),
  ).toEqual([])
})

test('keys and tokens of ours never get into a function', async () => {
  for (const token of [project.secret, server.operator]) {
    const response = await fetch(`${address}/echo/1`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'x-api-key': project.publishable },
    })
    expect(response.status).toBe(200)
    expect(await response.text()).not.toContain(token)
  }
})

test('a signed-in user is known, and their token is not handed on', async () => {
  const { body } = await project.call('POST', '/auth/sign-up', {
    as: project.publishable,
    body: { email: 'eve@example.com', password: 'correct horse battery' },
  })
  const response = await fetch(`${address}/echo/1`, {
    method: 'POST',
    headers: { authorization: `Bearer ${body.accessToken}` },
  })
  const text = await response.text()
  expect(JSON.parse(text).caller).toBe('user')
  expect(text).not.toContain(body.accessToken)
})

test('bodies flow both ways as they come', async () => {
  const parts: string[] = []
  const response = await fetch(`${address}/stream`)
  for await (const part of response.body!) parts.push(new TextDecoder().decode(part))
  expect(parts.join('')).toBe('one two three')
  expect(parts.length).toBeGreaterThan(1)
  const bytes = Buffer.alloc(3_000_000, 7)
  const back = await fetch(`${address}/stream`, { method: 'PUT', body: bytes })
  expect(Buffer.from(await back.arrayBuffer()).equals(bytes)).toBe(true)
})

test('a page of a function has none of the powers of this origin', async () => {
  const response = await fetch(`${address}/page`)
  const headers = response.headers
  expect(await response.text()).toBe('<script>document.cookie</script>')
  const policy = headers.get('content-security-policy') ?? ''
  expect(policy).toMatch(/^sandbox /)
  expect(policy).not.toContain('allow-same-origin')
  expect(policy).toContain("default-src 'none'")
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('x-own')).toBe('kept')
  for (const name of [
    'set-cookie',
    'clear-site-data',
    'service-worker-allowed',
    'strict-transport-security',
  ]) {
    expect({ name, value: headers.get(name) }).toEqual({ name, value: null })
  }
  expect((await fetch(`${address}/page`, { headers: { 'service-worker': 'script' } })).status).toBe(403)
})

test('the most exact path answers', async () => {
  const answer = async (path: string) => (await fetch(address + path)).text()
  expect(await answer('/things/new')).toBe('exact')
  expect(await answer('/things/7')).toBe('named')
  expect(await answer('/things/7/parts')).toBe('rest')
  expect((await fetch(`${address}/nothing`)).status).toBe(404)
  expect((await fetch(`${address}/things/new`, { method: 'POST' })).status).toBe(405)
  expect((await fetch(`${server.url}/v1/projects/nosuchproject/http/page`)).status).toBe(404)
})

test('a failing function answers a problem without its stack', async () => {
  for (const path of ['/throws', '/wrong']) {
    const response = await fetch(address + path)
    const body = (await response.json()) as { code: string }
    expect({ path, status: response.status, code: body.code }).toEqual({
      path,
      status: 500,
      code: 'function_failed',
    })
    expect(JSON.stringify(body)).not.toContain('functions/')
  }
})

test('an answer that breaks off midway is not mistaken for a whole one', async () => {
  const response = await fetch(`${address}/breaks`)
  await expect(response.arrayBuffer()).rejects.toThrow()
})

test('a body beyond the limit is refused', async () => {
  const response = await fetch(`${address}/large`, {
    method: 'POST',
    body: new Uint8Array(11 * 1024 * 1024),
  }).catch(() => null)
  expect(response?.status ?? 413).toBe(413)
  const small = await fetch(`${address}/large`, { method: 'POST', body: new Uint8Array(1024) })
  expect(await small.text()).toBe('1024')
})
