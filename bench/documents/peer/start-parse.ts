import { executeInParse, launchParse, parseHeaders as headers } from '../../peer/launch-parse.ts'
import { rawRequest } from '../../raw-request.ts'
import { articleId, makeArticle } from '../articles.ts'
import type { Dialect, Subject } from '../paths.ts'
import type { PeerPlace } from './start-peer.ts'

/** Parse Server, where everybody gets, finds, creates and updates what each object's access list lets them. */
export async function startParse(place: PeerPlace): Promise<Subject> {
  const { found, stop } = await launchParse(place, articles)
  try {
    await loadArticles(place.sockets, place.documents)
  } catch (error) {
    await stop()
    throw error
  }
  return { name: 'Parse Server', port: Number(found), dialect, stop }
}

const articles: Parameters<typeof launchParse>[1] = {
  name: 'Article',
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
  allowed: ['get', 'find', 'create', 'update'],
}

/** Straight into the table, readable and writable by all as far as public: through the API it would take minutes. */
async function loadArticles(sockets: string, count: number): Promise<void> {
  const step = 5000
  for (let start = 0; start < count; start += step) {
    const rows = Array.from({ length: Math.min(step, count - start) }, (_, index) => ({
      ...makeArticle(start + index),
      objectId: articleId(start + index),
    }))
    await executeInParse(
      sockets,
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
  await executeInParse(sockets, 'CREATE INDEX ON "Article" (category, score DESC)')
  await executeInParse(sockets, 'ANALYZE "Article"')
}

const classPath = '/parse/classes/Article'

const dialect: Dialect = {
  read: (id) => rawRequest({ path: `${classPath}/${id}`, headers }),
  list: (category) => {
    const query = new URLSearchParams({ where: JSON.stringify({ category }), order: '-score', limit: '20' })
    return rawRequest({ path: `${classPath}?${query.toString()}`, headers })
  },
  create: (body) => rawRequest({ method: 'POST', path: classPath, headers, body }),
  update: (id, body) => rawRequest({ method: 'PUT', path: `${classPath}/${id}`, headers, body }),
}
