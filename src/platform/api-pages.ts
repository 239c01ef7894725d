import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyContextConfig } from 'fastify'
import type { HttpServer } from './http-server.ts'

// The plugin's own would turn every http address into https, which breaks the page on a local network.
const contentSecurityPolicy = [
  "default-src 'self'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "base-uri 'none'",
  "object-src 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** What every operation may answer instead (RFC 9457). */
const problem = {
  description: 'What is wrong; `code` is stable',
  content: {
    'application/problem+json': {
      schema: {
        type: 'object',
        required: ['type', 'title', 'status', 'detail', 'code', 'requestId', 'errors'],
        properties: {
          type: { type: 'string' },
          title: { type: 'string' },
          status: { type: 'integer' },
          detail: { type: 'string' },
          code: { type: 'string' },
          requestId: { type: 'string' },
          errors: {
            type: 'array',
            items: {
              type: 'object',
              properties: { path: { type: 'string' }, code: { type: 'string' }, message: { type: 'string' } },
            },
          },
        },
      },
    },
  },
}

/** Which of the schemes of `components.securitySchemes` let a request in, one of them each. */
export type SecurityOf = (config: FastifyContextConfig) => Record<string, string[]>[]

/** `/openapi.json`, made from the schemas of the routes, and `/docs` to read it. Register it before the routes. */
export async function registerApiPages(app: HttpServer, securityOf: SecurityOf): Promise<void> {
  await app.register(swagger, {
    transform: ({ schema, url, route }) => {
      const security = securityOf(route.config ?? {})
      const responses: object = { ...(schema.response as object | undefined), default: problem }
      return { schema: { ...schema, security, response: responses }, url }
    },
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Basalt',
        version: '1',
        description: 'Backend as a service: projects, documents, rules.',
      },
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'A secret key, an operator token or an access token',
          },
          publishableKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        },
      },
    },
  })
  await app.register(async (pages) => {
    // Nothing on these pages asks who reads them; they are registered before the access hook and say so.
    pages.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: { door: 'open' } }
    })
    pages.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
    await pages.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: contentSecurityPolicy,
      theme: {
        title: 'Basalt API',
        css: [{ filename: 'basalt.css', content: '.swagger-ui .topbar { display: none }' }],
      },
    })
  })
}
