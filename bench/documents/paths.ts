import { articleId, type Article, categories, categoryName, isPublic, makeArticle } from './articles.ts'

export const paths = ['read', 'list', 'create', 'update', 'mixed'] as const

/** What is measured. */
export type Path = (typeof paths)[number]

/** How a server under test is asked, each as a whole HTTP/1.1 request. */
export interface Dialect {
  read(id: string): string
  /** The first 20 of a category, highest score first. */
  list(category: string): string
  create(article: Article): string
  update(id: string, patch: { views: number }): string
}

/** A server under test. */
export interface Subject {
  readonly name: string
  readonly port: number
  readonly dialect: Dialect
  stop: () => Promise<void>
}

// So many that no two rounds meet the same documents in the same order.
const requestCount = 20_000

/** Requests of a path at random among the first `count` documents, none of which a rule will refuse. */
export function makeRequests(path: Path, { dialect }: Subject, count: number): string[] {
  return Array.from({ length: requestCount }, () => makeRequest(path, dialect, count))
}

function makeRequest(path: Path, dialect: Dialect, count: number): string {
  switch (path) {
    case 'read':
      return dialect.read(articleId(publicNumber(count)))
    case 'list':
      return dialect.list(categoryName(below(categories)))
    case 'create':
      return dialect.create(makeArticle(publicNumber(1_000_000)))
    case 'update':
      return dialect.update(articleId(publicNumber(count)), { views: below(1_000_000) })
    case 'mixed':
      return makeRequest(pathOfMix(Math.random()), dialect, count)
  }
}

/** What an app does all day: 70 % reads, 15 % lists, 10 % creates, 5 % updates. */
function pathOfMix(share: number): Path {
  if (share < 0.7) return 'read'
  if (share < 0.85) return 'list'
  return share < 0.95 ? 'create' : 'update'
}

function publicNumber(count: number): number {
  for (;;) {
    const number = below(count)
    if (isPublic(number)) return number
  }
}

function below(bound: number): number {
  return Math.floor(Math.random() * bound)
}
