import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRunFolder } from '../../src/functions/runtime/run-folder.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { descendants } from './descendants.ts'
import { createTarget, type Target } from './journaled-load.ts'
import { freePort, operator, spawnServer, untilReady } from './server-process.ts'

let database: TestDatabase
let folder: string

beforeAll(async () => {
  database = await createTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'fn-'))
})

afterAll(async () => {
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

const add = `
  import { callable } from '@basalt/client/functions'
  export default callable({ handler: () => ({}) })
`

async function post({ urls, ref, secret }: Target, path: string, body: object): Promise<number> {
  const response = await fetch(`${urls[0]}/v1/projects/${ref}/functions${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify(body),
  })
  await response.text()
  return response.status
}

test.runIf(process.platform === 'linux')(
  'a server that is killed takes its functions with it, and the next one runs them',
  { timeout: 90_000 },
  async () => {
    const env = {
      DATABASE_URL: database.url,
      BASALT_DATA_DIR: folder,
      BASALT_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
    }
    const first = spawnServer(await freePort(), env)
    await untilReady(first)
    const target = await createTarget(first.url, operator)
    expect(await post(target, '/deployments', { files: { 'functions/add.ts': add } })).toBe(201)
    expect(await post(target, '/add', { input: {} })).toBe(200)
    const pids = await descendants(first.child.pid ?? 0, 'workerd')
    expect(pids).toHaveLength(1)
    first.child.kill('SIGKILL')
    await first.exited
    await expect.poll(() => pids.some(isAlive), { timeout: 10_000 }).toBe(false)

    const second = spawnServer(await freePort(), env)
    await untilReady(second)
    expect(await post({ ...target, urls: [second.url] }, '/add', { input: {} })).toBe(200)
    // What the killed one has left is gone.
    expect(await readdir(join(folder, 'fn'))).toHaveLength(1)
    second.child.kill('SIGTERM')
    expect(await second.exited).toBe(0)
    expect(await readdir(join(folder, 'fn'))).toEqual([])
  },
)

test.runIf(process.platform === 'linux')(
  'a process that outlived its server is found by its folder, and ended',
  async () => {
    const place = join(folder, 'fn', '999999-12345-abcdef', '1')
    await mkdir(place, { recursive: true })
    const orphan = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)', place], {
      detached: true,
      stdio: 'ignore',
    })
    const bystander = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], {
      detached: true,
      stdio: 'ignore',
    })
    const ended = new Promise((resolve) => orphan.once('exit', (_code, signal) => resolve(signal)))
    await writeFile(join(place, 'pid'), String(orphan.pid))
    const other = join(folder, 'fn', '999998-12345-abcdef', '1')
    await mkdir(other, { recursive: true })
    // Its number was given to a program that has nothing to do with us.
    await writeFile(join(other, 'pid'), String(bystander.pid))
    const opened = await openRunFolder(folder)
    expect(await ended).toBe('SIGKILL')
    expect(isAlive(bystander.pid ?? 0)).toBe(true)
    bystander.kill('SIGKILL')
    await opened.close()
    expect(await readdir(join(folder, 'fn'))).toEqual([])
  },
)

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
