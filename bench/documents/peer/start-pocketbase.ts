import { DatabaseSync } from 'node:sqlite'
import { launchPocketbase } from '../../peer/launch-pocketbase.ts'
import { rawRequest } from '../../raw-request.ts'
import { articleId, makeArticle } from '../articles.ts'
import type { Dialect, Subject } from '../paths.ts'
import type { PeerPlace } from './start-peer.ts'

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

export async function startPocketbase({ folder, documents }: PeerPlace): Promise<Subject> {
  const { port, file, stop } = await launchPocketbase(folder, collection)
  try {
    loadArticles(file, documents)
  } catch (error) {
    await stop()
    throw error
  }
  return { name: 'PocketBase', port, dialect, stop }
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
