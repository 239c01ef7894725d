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
 * the code that it prints; then makes a folder with the command line, and serves and deploys that. Takes half a minute and the registry, so it is a step of its own in CI: `npm run test:package`.
 */
const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'basalt-package-'))
const app = join(folder, 'app')
const port = '4873'
const env = { ...process.env, BASALT_PORT: port, BASALT_LOG_LEVEL: 'warn' }
try {
  await install()
  await run(['start'], app, 'console.log', async (output) => {
    const [, snippet = ''] = /(^ {2}import [^]*^ {2}console\.log.*$)/m.exec(output) ?? []
    await writeFile(join(app, 'hello.mjs'), snippet)
    const answer = execFileSync('npx', ['node', 'hello.mjs'], { cwd: app, encoding: 'utf8' })
    assert.match(answer, /Hello from Basalt/)
  })
  await assert.rejects(access(join(app, '.basalt/postgres/postmaster.pid')), 'PostgreSQL was left running')
  await proveCommandLine()
  console.log('The packages install, serve, deploy and stop.')
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

/** Compiled, it must still run the TypeScript of a folder, and find the server's parts. */
async function proveCommandLine(): Promise<void> {
  const shop = join(app, 'shop')
  const basalt = (args: string[], cwd: string): string =>
    execFileSync('npx', ['basalt', ...args], { cwd, encoding: 'utf8', env })
  basalt(['init', 'shop'], app)
  const environments = { dev: { url: `http://127.0.0.1:${port}`, project: 'shoplocaldev' } }
  await writeFile(join(shop, 'basalt.json'), JSON.stringify({ environments }))
  await run(['dev'], shop, 'deployed', async () => {
    assert.match(basalt(['deploy', '--check'], shop), /No drift/)
    assert.match(basalt(['doctor'], shop), /Nothing is in the way/)
  })
  await assert.rejects(access(join(shop, '.basalt/postgres/postmaster.pid')), 'PostgreSQL was left running')
}

/** Runs a command that stays, for as long as `work` takes; `work` gets what it has printed up to `end`. */
async function run(
  args: string[],
  cwd: string,
  end: string,
  work: (output: string) => Promise<void>,
): Promise<void> {
  const server = spawn('npx', ['basalt', ...args], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  // npx ends at once; the output is closed when the server behind it has ended.
  const closed = once(server, 'close')
  try {
    await work(await readUntil(server.stdout, end))
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
