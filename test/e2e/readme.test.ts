import { execFile, type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

// The tour of the README, followed to the letter on a server that `npm start` has started.
const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

let folder: string
let server: ChildProcess
let address: string
/** What the server has printed. */
let output = ''
/** What was given in the place of `su_…`, `op_…`, `pk_…` and `sk_…`: always the newest. */
const given = new Map<string, string>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'basalt-tour-'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  const port = String(await freePort())
  address = `http://127.0.0.1:${port}`
  const env = { ...process.env, BASALT_DATA_DIR: join(folder, 'data'), BASALT_PORT: port }
  // A group of its own: npm doesn't pass every signal on.
  server = spawn('npm', ['start'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  server.stdout?.on('data', (chunk) => (output += String(chunk)))
  await vi.waitFor(() => expect(output).toMatch(/limit\(5\)\.find\(\)\)\n/), { timeout: 50_000 })
  remember(output)
})

afterAll(async () => {
  const ended = new Promise((resolve) => server.once('close', resolve))
  if (server.pid !== undefined) process.kill(-server.pid, 'SIGTERM')
  await ended
  await rm(folder, { recursive: true, force: true })
})

test('the server prints what the README says', async () => {
  const shown = blocksOf(await section('Start')).find(({ language }) => language === 'text')
  expect(output).toMatch(
    asPattern(String(shown?.text).replace('/home/ada/basalt/.basalt', join(folder, 'data'))),
  )
})

test('the code that the server prints works', async () => {
  const [code = ''] = /^ {2}import [^]*\.find\(\)\)$/m.exec(output) ?? []
  await writeFile(join(folder, 'hello.mjs'), code)
  expect(await shell('npx node hello.mjs')).toContain('Hello from Basalt')
})

test('the tour leads to its end', { timeout: 60_000 }, async () => {
  let last = ''
  for (const { language, text, before } of blocksOf(await section('A tour of five minutes'))) {
    const [, file] = /Save this as `(\S+)`[^`]*$/.exec(before) ?? []
    if (language === 'js') await writeFile(join(folder, String(file)), asGiven(text))
    else if (language === 'sh') last = remember(await shell(asGiven(text)))
    else expect(last).toMatch(asPattern(text))
  }
  const { changes, cursor } = JSON.parse(last)
  expect(cursor).toBe(9)
  expect(changes.map(({ seq, kind }: { seq: number; kind: string }) => `${seq} ${kind}`)).toEqual(
    ['create', 'create', 'create', 'create', 'update', 'update', 'create', 'update', 'create'].map(
      (kind, at) => `${at + 1} ${kind}`,
    ),
  )
})

interface Block {
  language: string
  text: string
  /** What stands between the block before and this one. */
  before: string
}

function blocksOf(markdown: string): Block[] {
  const fences = /([^]*?)^```(\w+)\n([^]*?)^```$/gm
  return [...markdown.matchAll(fences)].map(([, before = '', language = '', text = '']) => ({
    language,
    text: text.trimEnd(),
    before,
  }))
}

async function section(title: string): Promise<string> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const sections = readme.split(/^## /m)
  return sections.find((text) => text.startsWith(`${title}\n`)) ?? ''
}

function asGiven(text: string): string {
  const answered = text.replaceAll(
    /\b(su|op|pk|sk)_…/g,
    (placeholder, kind: string) => given.get(kind) ?? placeholder,
  )
  return answered.replaceAll('http://127.0.0.1:4000', address)
}

function remember(text: string): string {
  for (const [token, kind = ''] of text.matchAll(/\b(su|op|pk|sk)_[\w-]+/g)) given.set(kind, token)
  return text
}

/** The text as it is, but `…` stands for anything. */
function asPattern(text: string): RegExp {
  const parts = text.replaceAll('http://127.0.0.1:4000', address).split('…')
  return new RegExp(parts.map((part) => RegExp.escape(part)).join('[^]*?'))
}

async function shell(command: string): Promise<string> {
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', command], { cwd: folder })
  return stdout
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}
