import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/**
 * Packs the server and the client, installs both in an empty folder, starts the server there, and runs
 * the code that it prints. Takes half a minute and the registry, so it is a step of its own in CI: `npm run test:package`.
 */
const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'basalt-package-'))
const app = join(folder, 'app')
try {
  await install()
  await serve(async (output) => {
    const [, snippet = ''] = /(^ {2}import [^]*^ {2}console\.log.*$)/m.exec(output) ?? []
    await writeFile(join(app, 'hello.mjs'), snippet)
    const answer = execFileSync('npx', ['node', 'hello.mjs'], { cwd: app, encoding: 'utf8' })
    assert.match(answer, /Hello from Basalt/)
  })
  await assert.rejects(access(join(app, '.basalt/postgres/postmaster.pid')), 'PostgreSQL was left running')
  console.log('The packages install, serve and stop.')
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function install(): Promise<void> {
  await mkdir(app)
  for (const workspace of [[], ['--workspace=client-sdk']]) {
    execFileSync('npm', ['pack', `--pack-destination=${folder}`, ...workspace], {
      cwd: root,
      stdio: 'ignore',
    })
  }
  const packages = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
  assert.equal(packages.length, 2)
  execFileSync('npm', ['init', '--yes'], { cwd: app, stdio: 'ignore' })
  const files = packages.map((name) => join(folder, name))
  execFileSync('npm', ['install', ...files], { cwd: app, stdio: 'ignore' })
}

/** Runs `npx basalt start` for as long as `work` takes; `work` gets what it has printed. */
async function serve(work: (output: string) => Promise<void>): Promise<void> {
  const env = { ...process.env, BASALT_PORT: '4873', BASALT_LOG_LEVEL: 'warn' }
  const server = spawn('npx', ['basalt', 'start'], {
    cwd: app,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  // npx ends at once; the output is closed when the server behind it has ended.
  const closed = once(server, 'close')
  try {
    await work(await readUntil(server.stdout, 'console.log'))
  } finally {
    // To the whole group, as a terminal does: npx itself passes nothing on.
    if (server.pid !== undefined) process.kill(-server.pid, 'SIGTERM')
    await closed
  }
}

async function readUntil(stream: Readable, end: string): Promise<string> {
  let output = ''
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    output += String(chunk)
    const found = output.indexOf(end)
    if (found === -1 || !output.includes('\n', found)) continue
    stream.resume()
    return output
  }
  throw new Error(`The server ended without starting:\n${output}`)
}
