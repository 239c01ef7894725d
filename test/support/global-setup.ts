import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { findBinaries } from '../../src/platform/embedded-postgres/binaries.ts'
import { chooseRunAs, commandFor } from '../../src/platform/embedded-postgres/run-as.ts'

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
  const binaries = await findBinaries(folder)
  const runAs = chooseRunAs({ avoidNamespace: false })
  const initdb = commandFor(runAs, join(binaries.folder, 'bin/initdb'), initdbArguments(data))
  execFileSync(initdb.file, initdb.args, initdb.options)
  const server = commandFor(runAs, join(binaries.folder, 'bin/postgres'), serverArguments(data, folder))
  const child = spawn(server.file, server.args, { ...server.options, stdio: 'ignore', detached: true })
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

function initdbArguments(data: string): string[] {
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  return [`--pgdata=${data}`, '--username=basalt', '--auth=trust', '--no-sync', ...locale]
}

/** Nothing here outlives the run, so nothing needs to reach the disk. */
function serverArguments(data: string, sockets: string): string[] {
  const settings = {
    unix_socket_directories: sockets,
    listen_addresses: '',
    fsync: 'off',
    jit: 'off',
    max_connections: 200,
  }
  return ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
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
