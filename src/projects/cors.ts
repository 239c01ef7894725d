import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { HttpServer } from '../platform/http-server.ts'
import type { Project } from './project.ts'
import type { Projects } from './projects.ts'

const exposed = 'etag, ratelimit, ratelimit-policy, retry-after, x-request-id'
const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE'
// What Chromium keeps at most.
const preflightSeconds = '7200'

/**
 * Lets pages of the project's origins read the answer. Never with credentials: pages of other origins use
 * keys and tokens, and the console's cookie is for the console's own origin. Without `Origin` nothing is to do.
 */
export function allowOrigin(request: FastifyRequest, reply: FastifyReply, project: Project | null): boolean {
  // An unknown project answers as one without settings, so that nobody learns which exist.
  const origins = project?.settings.cors.origins ?? anyOrigin
  if (origins.includes('*')) {
    if (request.headers.origin === undefined) return true
    reply.header('access-control-allow-origin', '*')
  } else {
    reply.header('vary', 'Origin')
    const { origin } = request.headers
    if (origin === undefined || !origins.includes(origin)) return false
    reply.header('access-control-allow-origin', origin)
  }
  reply.header('access-control-expose-headers', exposed)
  return true
}

const anyOrigin = ['*']

/** Answers the questions that browsers ask before they send a request to another origin. They come without a key. */
export function registerPreflight(app: HttpServer, projects: Projects): void {
  const config = { access: { door: 'open' } } as const
  const schema = { hide: true, params: Type.Object({ ref: Type.String() }) }
  for (const path of ['/v1/projects/:ref', '/v1/projects/:ref/*'] as const) {
    app.options(path, { config, schema }, async (request, reply) => {
      const project = await projects.byRef(request.params.ref)
      if (allowOrigin(request, reply, project)) {
        const wanted = request.headers['access-control-request-headers']
        if (wanted !== undefined) reply.header('access-control-allow-headers', wanted)
        reply.header('access-control-allow-methods', methods)
        reply.header('access-control-max-age', preflightSeconds)
      }
      return reply.code(204).send()
    })
  }
}
