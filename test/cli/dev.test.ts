import { once } from 'node:events'
import { access, rm, stat } from 'node:fs/promises'
import { request } from 'node:http'
import { SourceMap } from 'node:module'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { freePort } from '../support/free-port.ts'
import { startTestServer } from '../support/server.ts'
import { type CliFolder, makeFolder } from './cli-folder.ts'
import { type Dev, runFolderTests, startDev as startDevIn } from './start-dev.ts'

let folder: CliFolder
let url: string
let running: Dev | undefined

beforeEach(async () => {
  folder = await makeFolder()
  await folder.run('init')
  url = `http://127.0.0.1:${await freePort()}`
  await linkTo(url)
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  await folder.remove()
})

async function linkTo(address: string): Promise<void> {
  const environments = { dev: { url: address, project: 'shoplocaldev' } }
  await folder.write('basalt.json', JSON.stringify({ environments }))
}

function startDev(...options: string[]): Dev {
  running = startDevIn(folder, ...options)
  return running
}

async function devState(): Promise<Record<string, string>> {
  return JSON.parse(await folder.read('.basalt/dev.json'))
}

async function readRule(): Promise<unknown> {
  const { project, secretKey } = await devState()
  const headers = { authorization: `Bearer ${secretKey}` }
  const response = await fetch(`${url}/v1/projects/${project}/collections/notes`, { headers })
  const { rules } = (await response.json()) as { rules: { read: string } }
  return rules.read
}

test(
  'a folder has its own server: it deploys on save, tells faults, runs the test of the folder, and stops cleanly',
  { timeout: 120_000 },
  async () => {
    const dev = startDev()
    const started = await dev.until('✓ deployed')
    expect(started).toContain(`server   ${url}\n`)
    expect(started).toContain('project  shoplocaldev\n')
    expect(started).toMatch(/key +pk_/)
    expect(started).toContain(`console  ${url}/console`)
    const { password, secretKey, token } = await devState()
    for (const secret of [password, secretKey, token]) {
      expect(secret).toBeTypeOf('string')
      expect(started).not.toContain(secret)
    }
    expect((await stat(join(folder.path, '.basalt/dev.json'))).mode & 0o777).toBe(0o600)

    const schema = await folder.read('schema.ts')
    await folder.write('schema.ts', schema.replace("read: 'auth.uid ==", "read: 'auth.uit.x ="))
    expect(await dev.until('waiting for the next save')).toContain('schema.ts:15:')
    expect(await readRule()).toBe('auth.uid == doc.owner')
    await folder.write(
      'schema.ts',
      schema.replace("read: 'auth.uid ==", "read: 'auth != null && auth.uid =="),
    )
    expect(await dev.until('✓ deployed')).toContain('~ rule read')
    expect(await readRule()).toBe('auth != null && auth.uid == doc.owner')

    // Other commands work on it without a sign-in.
    expect((await folder.run('deploy', '--check')).code).toBe(0)
    expect((await folder.run('doctor')).stdout).toMatch(/✓ dev +shoplocaldev at .* is ready/)
    expect(await runFolderTests(folder)).toContain('3 passed')
    expect(await dev.until('finish-notes info')).toMatch(
      /\d\d:\d\d:\d\d finish-notes info {2}finished notes \{"owner":".+","finished":0\}/,
    )

    expect(await dev.stop()).toBe(0)
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
    await expect(access(join(folder.path, '.basalt/postgres/postmaster.pid'))).rejects.toThrow('ENOENT')

    // The next time it finds all of it again.
    const again = startDev()
    expect(await again.until('nothing to change')).toContain('shoplocaldev')
    expect(await again.stop()).toBe(0)
  },
)

test(
  'functions are deployed on save, with secrets from .env.local and files from outside, and their lines are shown',
  { timeout: 120_000 },
  async () => {
    await rm(join(folder.path, 'functions'), { recursive: true })
    const shout = (word: string) => `export const shout = (): never => {\n  throw new Error(\`${word}\`)\n}\n`
    await folder.write('../shared/shout.ts', shout('loud'))
    await folder.write('.env.local', 'GREETING="good morning"\nlower=case\n')
    await folder.write(
      'functions/greet.ts',
      `import { callable } from '@basalt/client/functions'
import { shout } from '../../shared/shout.ts'
import word from './word.txt'
export default callable({
  access: 'public',
  handler: (_, { env, log }) => {
    log.warn('said', { greeting: env['GREETING'], word })
    shout()
    return {}
  },
})
`,
    )
    await folder.write('functions/word.txt', 'hello')
    const dev = startDev()
    const started = await dev.until('✓ deployed')
    expect(started).toContain('~ secrets GREETING\n')
    expect(started).not.toContain('good morning')
    expect(started).toContain('    + function greet: callable for public\n')

    expect(await callGreet()).toBe('function_failed')
    const lines = await dev.until(/shout\.ts:2:\d+/)
    expect(lines).toMatch(/^\d\d:\d\d:\d\d greet warn {2}said \{"greeting":"good morning","word":"hello"\}$/m)
    expect(lines).toMatch(/greet error greet: loud\n {4}at shout .*shared\/shout\.ts:2:9\)?\n/)

    await folder.write('functions/word.txt', 'bye')
    expect(await dev.until('✓ deployed')).toContain('~ function greet: its code')
    await folder.write('../shared/shout.ts', shout('louder'))
    expect(await dev.until('✓ deployed')).toContain('~ function greet: its code')
    await folder.write('.env.local', 'GREETING="good night"\n')
    expect(await dev.until('nothing to change')).toContain('~ secrets GREETING\n')
    await callGreet()
    expect(await dev.until('greet error')).toMatch(/"greeting":"good night","word":"bye"[^]*louder/)

    await folder.write('functions/greet.ts', 'export default (')
    expect(await dev.until('waiting for the next save')).toContain('functions/greet.ts:1:17 ')
    expect(await callGreet()).toBe('function_failed')
    expect(await dev.stop()).toBe(0)
  },
)

async function callGreet(): Promise<unknown> {
  const { project, publishableKey } = await devState()
  const answer = await fetch(`${url}/v1/projects/${project}/functions/greet`, {
    method: 'POST',
    headers: { 'x-api-key': String(publishableKey), 'content-type': 'application/json' },
    body: '{}',
  })
  const { code } = (await answer.json()) as { code: string }
  return code
}

test(
  'a debugger stops functions at lines of their TypeScript, for as long as it likes; pages and the host get nothing',
  { timeout: 120_000 },
  async () => {
    await rm(join(folder.path, 'functions'), { recursive: true })
    await folder.write(
      'functions/greet.ts',
      `import { callable, type FunctionContext } from '@basalt/client/functions'

interface Unused { readonly kept: false }

const shout = (text: string): never => {
  const loud: string = text.toUpperCase()
  throw new Error(loud)
}
export default callable({ access: 'public', handler: (_: unknown, __: FunctionContext) => shout('hello') })
`,
    )
    const address = `127.0.0.1:${await freePort()}`
    const dev = startDev(`--inspect=${address}`)
    expect(await dev.until('✓ deployed')).toContain(`inspect  ${address}`)
    expect(await listTargets(address)).toEqual([])
    expect(await callGreet()).toBe('function_failed')
    const [target, ...others] = await listTargets(address)
    expect(others).toEqual([])
    expect(target).toMatchObject({ title: 'function greet' })

    const debug = await attach(target!.webSocketDebuggerUrl)
    await debug.send('Debugger.enable')
    const script = await debug.until('Debugger.scriptParsed', ({ url }) => String(url).endsWith('greet.js'))
    const map = JSON.parse(
      Buffer.from(String(script['sourceMapURL']).split('base64,')[1]!, 'base64').toString(),
    )
    const source = map.sources.find((each: string) => each.endsWith('functions/greet.ts'))
    expect(source).toBe('basalt:///functions/greet.ts')
    expect(map.sourcesContent[map.sources.indexOf(source)]).toContain('interface Unused')
    const location = generated(new SourceMap(map), source, 7)
    await debug.send('Debugger.setBreakpoint', { location: { scriptId: script['scriptId'], ...location } })

    const called = callGreet()
    const paused = await debug.until('Debugger.paused')
    const [frame] = paused['callFrames'] as { callFrameId: string; location: { lineNumber: number } }[]
    expect(frame!.location.lineNumber).toBe(location.lineNumber)
    const { result } = await debug.send('Debugger.evaluateOnCallFrame', {
      callFrameId: frame!.callFrameId,
      expression: 'loud',
    })
    expect(result).toMatchObject({ value: 'HELLO' })
    // Past all that ends a process which does not answer.
    await new Promise((resolve) => setTimeout(resolve, 6_500))
    await debug.send('Debugger.resume')
    expect(await called).toBe('function_failed')

    const page = { origin: 'https://example.com' }
    await expect(attach(target!.webSocketDebuggerUrl, page)).rejects.toThrow()
    await expect(attach(`ws://${address}/host`)).rejects.toThrow()
    expect(await statusAs(address, 'rebound.example.com')).toBe(403)
    debug.close()
    expect(await dev.stop()).toBe(0)
    await expect(listTargets(address)).rejects.toThrow()
  },
)

async function listTargets(address: string): Promise<{ title: string; webSocketDebuggerUrl: string }[]> {
  const answer = await fetch(`http://${address}/json/list`)
  return (await answer.json()) as { title: string; webSocketDebuggerUrl: string }[]
}

/** Under another name than its own, as a page does whose name leads here. */
function statusAs(address: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`http://${address}/json/list`, { headers: { host } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
      .once('error', reject)
      .end()
  })
}

/** Where a line of the source begins in what runs. Lines of the source count from 1. */
function generated(
  map: SourceMap,
  source: string,
  line: number,
): { lineNumber: number; columnNumber: number } {
  for (let lineNumber = 0; lineNumber < 200; lineNumber++) {
    for (let columnNumber = 0; columnNumber < 100; columnNumber++) {
      const entry = map.findEntry(lineNumber, columnNumber)
      if (!('originalLine' in entry) || entry.originalSource !== source) continue
      if (entry.originalLine === line - 1 && entry.generatedLine === lineNumber)
        return { lineNumber, columnNumber }
    }
  }
  throw new Error('the map does not know the line')
}

type Params = Record<string, unknown>

interface Debugger {
  send(method: string, params?: Params): Promise<Params>
  until(event: string, matches?: (params: Params) => boolean): Promise<Params>
  close(): void
}

async function attach(address: string, headers: Record<string, string> = {}): Promise<Debugger> {
  const socket = new WebSocket(address, { headers })
  await once(socket, 'open')
  const events: { method: string; params: Params }[] = []
  const waiting = new Map<number, (result: Params) => void>()
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString())
    if (message.id === undefined) events.push(message)
    else waiting.get(message.id)?.(message.result ?? message.error)
  })
  let count = 0
  return {
    send(method, params = {}) {
      const id = ++count
      socket.send(JSON.stringify({ id, method, params }))
      return new Promise((resolve) => waiting.set(id, resolve))
    },
    async until(event, matches = () => true) {
      const find = () => events.find(({ method, params }) => method === event && matches(params))
      await expect.poll(find, { timeout: 15_000 }).toBeDefined()
      return find()!.params
    },
    close: () => socket.close(),
  }
}

test('a server that runs already is used, with the sign-in of its operator, and left running', async () => {
  const server = await startTestServer()
  try {
    await linkTo(server.url)
    const refused = await folder.run('dev')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(`Sign in as one that it knows: \`basalt login ${server.url}\``)

    await folder.runWith(
      { input: 'correct horse battery\n' },
      'login',
      server.url,
      '--email',
      'ada@example.com',
    )
    const dev = startDev()
    expect(await dev.until('✓ deployed')).toContain('+ collection notes')
    expect(await dev.stop()).toBe(0)
    expect((await server.call('GET', '/healthz')).status).toBe(200)
  } finally {
    await server.stop()
  }
})

test('it is for servers on this machine', async () => {
  await linkTo('https://basalt.example.com')
  const { code, stderr } = await folder.run('dev')
  expect(code).toBe(1)
  expect(stderr).toContain('Use `basalt deploy`.')
})
