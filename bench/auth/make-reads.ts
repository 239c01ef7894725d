import { articleId, isPublic } from '../documents/articles.ts'
import type { ArticlesServer } from '../documents/start-articles.ts'
import { rawRequest } from '../raw-request.ts'

/** Reads of public articles, by the publishable key alone or, as apps send them, with tokens beside it. */
export function makeReads({ project }: ArticlesServer, tokens: readonly string[] = []): string[] {
  const documents = `/v1/projects/${project.ref}/collections/articles/documents`
  return Array.from({ length: 1000 }, (_, number) => number)
    .filter(isPublic)
    .map((number, index) => {
      const token = tokens[index % tokens.length]
      const headers = {
        'x-api-key': project.publishable,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      }
      return rawRequest({ path: `${documents}/${articleId(number)}`, headers })
    })
}
