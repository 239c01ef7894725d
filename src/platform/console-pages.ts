import fastifyStatic from '@fastify/static'
import { fileURLToPath } from 'node:url'
import type { HttpServer } from './http-server.ts'

// The same way from src/ in a checkout and from dist/ in the package.
const root = new URL('../../admin-ui/', import.meta.url)

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const mailFrame = '/console/mail-frame'

// Mails carry their styles in attributes, and pictures from anywhere; nothing in them runs, even if opened by itself.
const mailPolicy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src https: data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  'sandbox allow-same-origin',
].join('; ')

/** The console: static files that call the API as anybody could, and keep no rights of their own. */
export async function registerConsolePages(app: HttpServer): Promise<void> {
  await app.register(async (pages) => {
    pages.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: { door: 'open' } }
      route.schema = { ...route.schema, hide: true }
    })
    pages.addHook('onSend', async ({ routeOptions }, reply) => {
      const policy = routeOptions.url === mailFrame ? mailPolicy : contentSecurityPolicy
      void reply.header('content-security-policy', policy)
      void reply.header('referrer-policy', 'no-referrer')
    })
    await pages.register(fastifyStatic, {
      root: [fileURLToPath(new URL('dist/', root)), fileURLToPath(new URL('public/', root))],
      prefix: '/console/assets/',
      decorateReply: true,
      cacheControl: false,
    })
    pages.get(mailFrame, (_request, reply) => reply.type('text/html').sendFile('mail-frame.html'))
    for (const url of ['/console', '/console/*']) {
      pages.get(url, (_request, reply) => reply.type('text/html').sendFile('index.html'))
    }
  })
}
