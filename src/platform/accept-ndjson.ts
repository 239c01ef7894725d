import type { Readable } from 'node:stream'
import type { HttpServer } from './http-server.ts'

/**
 * Lets the routes of one scope take NDJSON, as the stream that it is. Call it inside a plugin of its own:
 * everywhere else such a body is refused with 415.
 */
export function acceptNdjson(app: HttpServer): void {
  app.addContentTypeParser('application/x-ndjson', (_request, payload, done) => done(null, payload))
}

/** Whether a body came as NDJSON and not as JSON. */
export function isNdjson(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}
