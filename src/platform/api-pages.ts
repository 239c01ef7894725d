import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
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

/** `/openapi.json`, made from the schemas of the routes, and `/docs` to read it. Register it before the routes. */
export async function registerApiPages(app: HttpServer): Promise<void> {
  await app.register(swagger, {
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
