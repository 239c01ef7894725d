import { type ChildProcess, spawn } from 'node:child_process'
import { access, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startTestServer } from '../support/server.ts'
import { type CliFolder, launcher, makeFolder } from './cli-folder.ts'

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

interface Dev {
  /** All that it has printed; waits until it has printed this, after what was waited for before. */
  until(text: string | RegExp): Promise<string>
  stop(): Promise<number | null>
}

function startDev(): Dev {
  const child: ChildProcess = spawn(process.execPath, [launcher, 'dev'], {
    cwd: folder.path,
    env: folder.env,
  })
  let output = ''
  let seen = 0
  child.stdout?.on('data', (chunk) => (output += String(chunk)))
  child.stderr?.on('data', (chunk) => (output += String(chunk)))
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  const dev: Dev = {
    async until(text) {
      await expect.poll(() => output.slice(seen), { timeout: 30_000 }).toMatch(text)
      const found = output.slice(seen)
      seen = output.length
      return found
    },
    stop() {
      child.kill('SIGTERM')
      return closed
    },
  }
  running = dev
  return dev
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
    await runFolderTest()
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

/** The one that `basalt init` wrote, as `npm test` in the folder would. */
async function runFolderTest(): Promise<void> {
  const vitest = join(folder.path, 'node_modules/vitest/vitest.mjs')
  const env = { ...folder.env, NO_COLOR: '1' }
  const child = spawn(process.execPath, [vitest, 'run'], { cwd: folder.path, env })
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  child.stderr.on('data', (chunk) => (output += String(chunk)))
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect(code, output).toBe(0)
  expect(output).toContain('3 passed')
}

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
