import { join } from 'node:path'
import pg from 'pg'
import { call } from '../../call.ts'
import { articleId, makeArticle } from '../articles.ts'
import type { Dialect, Subject } from '../paths.ts'
import { rawRequest } from '../../raw-request.ts'
import { startProcess } from '../../start-process.ts'
import { installPeer } from './install-peer.ts'
import type { PeerPlace } from './start-peer.ts'

const user = 'basalt'
const database = 'parse'
const application = 'bench'
const masterKey = 'only for the bench'

/** Parse Server on a database of its own in the same PostgreSQL. */
export async function startParse({ folder, sockets, documents }: PeerPlace): Promise<Subject> {
  const program = join(installPeer('parse'), 'server.js')
  await execute(sockets, user, `CREATE DATABASE ${database}`)
  const { found, stop } = await startProcess({
    file: process.execPath,
    args: [program, JSON.stringify({ sockets, user, database, application, masterKey })],
    // Where it puts its logs, whatever it is told.
    cwd: folder,
    ready: /^parse at (\d+)/,
  })
  try {
    await defineClass(`http://127.0.0.1:${found}/parse`)
    await loadArticles(sockets, documents)
  } catch (error) {
    await stop()
    throw error
  }
  return { name: 'Parse Server', port: Number(found), dialect, stop }
}

/** Whoever knows the application's id may read and write, under each object's own access list. */
async function defineClass(url: string): Promise<void> {
  const everybody = { '*': true }
  await call(`${url}/schemas/Article`, {
    method: 'POST',
    headers: { 'x-parse-application-id': application, 'x-parse-master-key': masterKey },
    body: {
      className: 'Article',
      fields: {
        title: { type: 'String', required: true },
        body: { type: 'String' },
        category: { type: 'String', required: true },
        author: { type: 'Object' },
        tags: { type: 'Array' },
        score: { type: 'Number', required: true },
        views: { type: 'Number' },
        public: { type: 'Boolean', required: true },
      },
      classLevelPermissions: {
        get: everybody,
        find: everybody,
        count: {},
        create: everybody,
        update: everybody,
        delete: {},
        addField: {},
      },
    },
  })
}

/** Straight into the table, readable and writable by all as far as public: through the API it would take minutes. */
async function loadArticles(sockets: string, count: number): Promise<void> {
  const step = 5000
  for (let start = 0; start < count; start += step) {
    const rows = Array.from({ length: Math.min(step, count - start) }, (_, index) => ({
      ...makeArticle(start + index),
      objectId: articleId(start + index),
    }))
    await execute(
      sockets,
      database,
      `INSERT INTO "Article" ("objectId", "createdAt", "updatedAt", title, body, category, author, tags, score, views,
                              public, _rperm, _wperm)
       SELECT "objectId", now(), now(), title, body, category, author, tags, score, views, public,
              CASE WHEN public THEN '{*}'::text[] ELSE '{}' END,
              CASE WHEN public THEN '{*}'::text[] ELSE '{}' END
         FROM jsonb_to_recordset($1::jsonb)
           AS row ("objectId" text, title text, body text, category text, author jsonb, tags jsonb,
                   score double precision, views double precision, public boolean)`,
      [JSON.stringify(rows)],
    )
  }
  await execute(sockets, database, 'CREATE INDEX ON "Article" (category, score DESC)')
  await execute(sockets, database, 'ANALYZE "Article"')
}

async function execute(host: string, name: string, sql: string, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({ host, user, database: name })
  await client.connect()
  try {
    await client.query(sql, values)
  } finally {
    await client.end()
  }
}

const classPath = '/parse/classes/Article'
const headers = { 'x-parse-application-id': application }

const dialect: Dialect = {
  read: (id) => rawRequest({ path: `${classPath}/${id}`, headers }),
  list: (category) => {
    const query = new URLSearchParams({ where: JSON.stringify({ category }), order: '-score', limit: '20' })
    return rawRequest({ path: `${classPath}?${query.toString()}`, headers })
  },
  create: (body) => rawRequest({ method: 'POST', path: classPath, headers, body }),
  update: (id, body) => rawRequest({ method: 'PUT', path: `${classPath}/${id}`, headers, body }),
}
