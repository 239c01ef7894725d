import { createServer, type Server } from 'node:http'
import { createServer as createTcp } from 'node:net'
import type { AddressInfo } from 'node:net'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callFunction, deploy, tryDeploy } from '../support/deploy.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

/** What functions try in order to get out, or at what isn't theirs. */

/** A function that tries what it is told. */
const attempts = `export default callable({ input: json(), handler: async ({ code, args }: any, ctx) => {
      const attempts: any = {
        fetch: async (url: string) => { const r = await fetch(url); return [r.status, await r.text(), [...r.headers.keys()]] },
        post: async (url: string) => (await fetch(url, { method: 'POST', body: 'x'.repeat(100000) })).status,
        manual: async (url: string) => (await fetch(url, { redirect: 'manual' })).status,
        tcp: async (host: string, port: number) => {
          const { connect } = await import(['cloudflare', 'sockets'].join(':'))
          const socket = connect({ hostname: host, port }); await socket.opened
          return 'connected'
        },
        net: async (host: string, port: number) => {
          const net = await import(['node', 'net'].join(':'))
          return await new Promise((resolve, reject) => { const s = net.connect(port, host, () => resolve('connected')); s.on('error', reject) })
        },
        websocket: (url: string) => new Promise((resolve, reject) => {
          const socket = new WebSocket(url); socket.onopen = () => resolve('open'); socket.onerror = () => reject(new Error('refused'))
        }),
        read: async (path: string) => (await import(['node', 'fs'].join(':'))).readFileSync(path, 'utf8'),
        list: async (path: string) => (await import(['node', 'fs'].join(':'))).readdirSync(path),
        write: async (path: string) => (await import(['node', 'fs'].join(':'))).writeFileSync(path, 'out'),
        spawn: async () => (await import(['node', 'child_process'].join(':'))).execSync('id').toString(),
        thread: async () => new (await import(['node', 'worker_threads'].join(':'))).Worker('1', { eval: true }),
        vm: async () => (await import(['node', 'vm'].join(':'))).runInThisContext('1+1'),
        evaluate: () => eval('1+1'),
        chains: () => [ctx, ctx.basalt, ctx.log, ctx.basalt.collection, ctx.signal, new Request('http://a.test'), new Response(), globalThis, crypto, (async () => {}), (function* () {}), Promise.resolve(), new Error()]
          .flatMap((from: any) => [from?.constructor, from?.constructor?.constructor, from?.__proto__?.constructor?.constructor])
          .map((make) => { try { return String(make('return process.constructor("return this")')()) } catch (error) { return 'refused' } })
          .filter((outcome) => outcome !== 'refused' && outcome !== 'undefined'),
        constructed: () => (() => {}).constructor('return process')(),
        wasm: () => new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])) && 'compiled',
        binding: () => (process as any).binding('fs') && 'bound',
        environment: () => ({ ...process.env }),
        import: async (what: string) => Object.keys(await import(what)),
        argv: () => [process.argv, process.pid, process.cwd()],
        throwHost: () => { throw { get message() { throw new Error('again') }, get stack() { throw 1 }, toString() { throw 2 } } },
        getter: () => ({ then(resolve: any) { resolve({ get a() { return this.constructor.constructor('return process')() } }) } }),
        prototype: () => { (Object.prototype as any).toJSON = () => ({ output: 'owned' }); (Array.prototype as any).isAdmin = true; return {} },
        proxy: () => new Proxy({}, { get() { throw new Error('proxied') } }),
        headers: async () => {
          const r = await ctx.basalt.collections.list().then(() => 'listed')
          return r
        },
        forged: async (url: string, headers: any) => (await fetch(url, { headers })).status,
      }
      try { return { result: await attempts[code](...(args ?? [])) } as never } catch (e) { return { error: String(e) } as never }
    } })`

// workerd alone has to hold them where a host grants no more.
const levels = process.platform === 'linux' ? ['auto', 'no-new-privileges', 'none'] : ['auto']

describe.each(levels)('protected by %s:', (protection) => {
  let server: TestServer
  let project: TestProject
  let canary: Server
  let hits: string[] = []
  let port: number

  beforeAll(async () => {
    canary = createServer((request, response) => {
      hits.push(`${request.method} ${request.url}`)
      if (request.url === '/redirect')
        response.writeHead(302, { location: `http://127.0.0.2:${port}/secret` }).end()
      else response.writeHead(200, { 'x-basalt-refused': 'forged', 'x-seen': 'yes' }).end('canary')
    })
    await new Promise<void>((resolve) => canary.listen(0, '0.0.0.0', resolve))
    port = (canary.address() as AddressInfo).port
    server = await startTestServer({
      BASALT_OUTBOUND_ALLOW: '127.0.0.1/32',
      BASALT_FUNCTION_PROTECTION: protection,
    })
    // The most that a host grants may be less; what was asked for by name is what there is.
    if (protection !== 'auto') expect(server.app.functions.runtimes.protection).toBe(protection)
    project = await server.createProject()
    await deploy(project, {
      run: attempts,
      // Its own globals are not what they were any more.
      hostile: attempts,
      prison: `export default callable({ outbound: ['api.example.com', '*.allowed.test'], input: json(), handler: async ({ url }: any) => {
      try { return { status: (await fetch(url)).status } as never } catch (e) { return { error: String(e) } as never }
    } })`,
    })
  })

  afterAll(async () => {
    await server.stop()
    canary.close()
  })

  interface Outcome {
    result?: unknown
    error?: string
  }

  const attempt = (code: string, ...args: unknown[]): Promise<Outcome> => attemptIn('run', code, args)

  async function attemptIn(name: string, code: string, args: unknown[] = []): Promise<Outcome> {
    const { status, body } = await callFunction(project, name, { code, args })
    if (status !== 200) return { error: `${status} ${body.code}` }
    return body.output
  }

  test('a function reaches what is allowed: the proof that what follows is refused on purpose', async () => {
    hits = []
    const { result } = await attempt('fetch', `http://127.0.0.1:${port}/ok`)
    expect(result).toEqual([200, 'canary', expect.arrayContaining(['x-seen'])])
    expect(result).not.toEqual([200, 'canary', expect.arrayContaining(['x-basalt-refused'])])
    expect(hits).toEqual(['GET /ok'])
  })

  test('private, loopback, link-local, mapped and odd addresses are refused, at redirects too', async () => {
    hits = []
    const hosts = [
      '127.0.0.2',
      '0.0.0.0',
      '[::1]',
      '[::ffff:7f00:2]',
      '2130706434',
      '0x7f.2',
      '017700000002',
      '169.254.169.254',
      '10.0.0.1',
      '[64:ff9b::7f00:2]',
      '[2002:7f00:2::]',
    ]
    for (const host of hosts) {
      const { result, error } = await attempt('fetch', `http://${host}:${port}/secret`)
      expect({ host, result, refused: /fetch failed/.test(error ?? '') }).toEqual({
        host,
        result: undefined,
        refused: true,
      })
    }
    const redirected = await attempt('fetch', `http://127.0.0.1:${port}/redirect`)
    expect(redirected.error).toMatch(/fetch failed/)
    expect((await attempt('post', `http://127.0.0.2:${port}/secret`)).error).toMatch(/fetch failed/)
    expect(hits.filter((hit) => hit.includes('secret'))).toEqual([])
    expect((await attempt('fetch', 'file:///etc/passwd')).error).toBeDefined()
    expect((await attempt('fetch', 'http://user:pass@127.0.0.1/')).error).toBeDefined()
  })

  test('raw sockets and WebSockets go nowhere', async () => {
    const connections: string[] = []
    const listener = createTcp((socket) => {
      connections.push('tcp')
      socket.end()
    })
    await new Promise<void>((resolve) => listener.listen(0, '0.0.0.0', resolve))
    const { port: tcp } = listener.address() as AddressInfo
    for (const [code, ...args] of [
      ['tcp', '127.0.0.1', tcp],
      ['net', '127.0.0.1', tcp],
      ['websocket', `ws://127.0.0.1:${tcp}/`],
    ] as const) {
      const { result, error } = await attempt(code, ...args)
      expect({ code, result, isRefused: error !== undefined }).toEqual({
        code,
        result: undefined,
        isRefused: true,
      })
    }
    expect(connections).toEqual([])
    listener.close()
  })

  test('a function that names its hosts reaches no others', async () => {
    hits = []
    for (const url of [
      `http://127.0.0.1:${port}/x`,
      `http://api.example.com.evil.test:${port}/`,
      'http://allowed.test/',
    ]) {
      const { body } = await callFunction(project, 'prison', { url })
      expect({ url, error: body.output.error }).toEqual({
        url,
        error: expect.stringContaining('is not allowed'),
      })
    }
    expect(hits).toEqual([])
  })

  test('there are no files, programs, threads or code from text', async () => {
    const passwd = await readFile('/etc/passwd', 'utf8')
    for (const path of [
      '/etc/passwd',
      '/proc/self/environ',
      '/proc/1/cmdline',
      '/run/host.capnp',
      `${process.cwd()}/package.json`,
    ]) {
      const { result, error } = await attempt('read', path)
      expect({ path, result, isRefused: error !== undefined }).toEqual({
        path,
        result: undefined,
        isRefused: true,
      })
    }
    const listed = JSON.stringify((await attempt('list', '/')).result ?? [])
    expect(listed).not.toMatch(/etc|proc|home|run/)
    for (const code of ['spawn', 'thread', 'vm', 'evaluate', 'constructed', 'wasm', 'binding']) {
      const { result, error } = await attempt(code)
      expect({ code, result, isRefused: error !== undefined }).toEqual({
        code,
        result: undefined,
        isRefused: true,
      })
    }
    for (const what of [
      'file:///etc/passwd',
      'data:text/javascript,export const a = 1',
      '/etc/passwd',
      'workerd:unsafe',
    ]) {
      expect((await attempt('import', what)).error).toBeDefined()
    }
    expect(await attempt('chains')).toEqual({ result: [] })
    const out = join(tmpdir(), `out-${process.pid}`)
    await attempt('write', out)
    await attempt('write', '/run/out')
    expect(existsSync(out) || existsSync('/run/out')).toBe(false)
    expect(JSON.stringify(await attempt('environment'))).not.toMatch(/PATH|BASALT|DATABASE/)
    expect(JSON.stringify(await attempt('argv'))).not.toContain(process.cwd())
    expect(await readFile('/etc/passwd', 'utf8')).toBe(passwd)
  })

  test('hostile results and errors stay what they are', async () => {
    expect((await attemptIn('hostile', 'throwHost')).error).toMatch(/500 function_failed|again/)
    for (const code of ['getter', 'proxy', 'prototype']) await attemptIn('hostile', code)
    expect('isAdmin' in []).toBe(false)
    expect(({} as Record<string, unknown>)['toJSON']).toBeUndefined()
  })

  test('what one function does to its globals is not seen by another', async () => {
    await attemptIn('hostile', 'prototype')
    const { body } = await callFunction(project, 'prison', { url: 'http://nowhere.test/' })
    expect(JSON.stringify(body)).not.toContain('owned')
  })

  test('headers of the way between the server and the sandbox can not be forged', async () => {
    const other = await server.createProject()
    const forged = { 'x-basalt-invocation': 'trial', 'x-basalt-as': 'caller', 'x-basalt-isolate': 'run@1' }
    const api = `${server.url}/v1/projects/${other.ref}/collections`
    // The server itself is reachable here, as 127.0.0.1 is allowed: from there the function is nobody.
    expect(await attempt('forged', api, forged)).toEqual({ result: 401 })
    expect(await attempt('headers')).toEqual({ result: 'listed' })
  })

  test('an import reads no file of the server', async () => {
    for (const path of [
      '/etc/passwd',
      '../../../../../../etc/passwd',
      'file:///etc/passwd',
      'fastify',
      '../package.json',
      'cloudflare:workers',
    ]) {
      const { status, body } = await tryDeploy(project, {
        run: `import x from '${path}'; export default callable({ handler: () => x })`,
      })
      expect({ path, status }).toEqual({ path, status: 422 })
      expect(JSON.stringify(body)).not.toContain('root:')
    }
    const mapped = await tryDeploy(project, {
      a: `export default callable({ handler: () => ({}) })\n//# sourceMappingURL=/etc/passwd`,
    })
    expect(JSON.stringify(mapped.body)).not.toContain('root:')
  })
})
