import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { signal } from '../../src/platform/embedded-postgres/postmaster.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export const operator = { email: 'ada@example.com', password: 'correct horse battery' }

/** `node src/main.ts`, as it runs in earnest, so that a test can kill it. */
export interface ServerProcess {
  readonly child: ChildProcess
  readonly url: string
  /** What it has printed. */
  output(): string
  /** The exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>
}

/** @param script starts the server with something that a test needs in it; default: just the server */
export function spawnServer(port: number, env: Record<string, string>, script = main): ServerProcess {
  const child = spawn(process.execPath, [script], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      BASALT_PORT: String(port),
      BASALT_RATE_LIMITS: 'off',
      BASALT_LOG_LEVEL: 'warn',
      BASALT_OPERATOR_EMAIL: operator.email,
      BASALT_OPERATOR_PASSWORD: operator.password,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
  return { child, url: `http://127.0.0.1:${port}`, output: () => output, exited }
}

/** Resolves with the milliseconds until the server serves from its database. Throws when it ends instead. */
export async function untilReady(server: ServerProcess): Promise<number> {
  const started = Date.now()
  while (Date.now() - started < 30_000) {
    if (server.child.exitCode !== null) throw new Error(`the server has ended: ${server.output()}`)
    const answer = await fetch(`${server.url}/readyz`).catch(() => undefined)
    if (answer?.status === 200) return Date.now() - started
    await sleep(20)
  }
  throw new Error(`the server does not answer: ${server.output()}`)
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Ends what a test may have left: the server, and the PostgreSQL that outlives a killed one. */
export async function endServer(server: ServerProcess, dataDir: string): Promise<void> {
  server.child.kill('SIGTERM')
  const late = setTimeout(() => server.child.kill('SIGKILL'), 10_000)
  await server.exited
  clearTimeout(late)
  const pid = await readPostmasterPid(dataDir).catch(() => 0)
  if (pid > 0) signal(pid, 'SIGQUIT')
}

export async function readPostmasterPid(dataDir: string): Promise<number> {
  const text = await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')
  return Number(text.split('\n')[0])
}
