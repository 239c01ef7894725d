import { call, callText } from '../call.ts'
import { findSockets } from '../find-sockets.ts'
import { type BenchProject, createProject, launchBasalt } from '../launch-basalt.ts'
import { rawRequest } from '../raw-request.ts'
import { articleId, makeArticle } from './articles.ts'
import type { Dialect, Subject } from './paths.ts'

export interface ArticlesServer extends Subject {
  readonly url: string
  readonly project: BenchProject
  readonly pid: number
  /** The folder of PostgreSQL's socket. */
  readonly sockets: string
  /** Answers as the app gets them, for the bare server to give back. */
  sampleDocument(): Promise<string>
  sampleList(): Promise<string>
}

const linesEachImport = 5000

const collection = {
  schema: {
    type: 'object',
    required: ['title', 'category', 'score', 'public'],
    additionalProperties: false,
    properties: {
      title: { type: 'string', maxLength: 200 },
      body: { type: 'string', maxLength: 2000 },
      category: { type: 'string', pattern: '^[a-z0-9-]+$' },
      author: {
        type: 'object',
        required: ['id', 'name'],
        properties: { id: { type: 'string' }, name: { type: 'string' } },
      },
      tags: { type: 'array', maxItems: 10, items: { type: 'string' } },
      score: { type: 'integer' },
      views: { type: 'integer', minimum: 0 },
      public: { type: 'boolean' },
    },
  },
  indexes: [{ fields: ['category', '-score'] }],
  rules: {
    read: 'doc.public == true || auth != null',
    list: 'doc.public == true || auth != null',
    create: 'doc.public == true && doc.views == 0',
    update: 'before.public == true && doc.category == before.category',
  },
}

/** A fresh server with a project, its collection and `count` documents. */
export async function startArticles(dataDir: string, count: number): Promise<ArticlesServer> {
  const { found: url, pid, stop } = await launchBasalt(dataDir)
  try {
    const project = await createProject(url)
    const { publishable, secret } = project
    const path = `/v1/projects/${project.ref}/collections/articles`
    const asServer = { authorization: `Bearer ${secret}` }
    await call(url + path, { method: 'PUT', headers: asServer, body: collection })
    await importArticles(`${url}${path}/documents/import`, asServer, count)
    const asApp = { 'x-api-key': publishable }
    const ask = (suffix: string) => callText(`${url}${path}/documents${suffix}`, { headers: asApp })
    return {
      name: 'Basalt',
      url,
      project,
      port: Number(new URL(url).port),
      pid,
      sockets: await findSockets(dataDir),
      dialect: dialectOf(`${path}/documents`, asApp),
      sampleDocument: () => ask(`/${articleId(0)}`),
      sampleList: () => ask(listQuery(makeArticle(0).category)),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function dialectOf(documents: string, headers: Record<string, string>): Dialect {
  return {
    read: (id) => rawRequest({ path: `${documents}/${id}`, headers }),
    list: (category) => rawRequest({ path: documents + listQuery(category), headers }),
    create: (body) => rawRequest({ method: 'POST', path: documents, headers, body }),
    update: (id, body) => rawRequest({ method: 'PATCH', path: `${documents}/${id}`, headers, body }),
  }
}

function listQuery(category: string): string {
  return `?${new URLSearchParams({ where: JSON.stringify({ category }), sort: '-score', limit: '20' }).toString()}`
}

async function importArticles(url: string, headers: Record<string, string>, count: number): Promise<void> {
  for (let start = 0; start < count; start += linesEachImport) {
    const numbers = Array.from(
      { length: Math.min(linesEachImport, count - start) },
      (_, index) => start + index,
    )
    const { imported } = await call<{ imported: number }>(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/x-ndjson' },
      body: numbers
        .map((number) => JSON.stringify({ id: articleId(number), ...makeArticle(number) }))
        .join('\n'),
    })
    if (imported !== numbers.length) throw new Error(`Only ${imported} of ${numbers.length} were imported.`)
  }
}
