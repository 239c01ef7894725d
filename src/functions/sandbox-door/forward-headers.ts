import type { IncomingHttpHeaders } from 'node:http'

// https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1: of one connection, not of the message.
const ofConnection = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** The headers of a message that goes on, without those of the connection and our own, and without `dropped`. */
export function forwardHeaders(
  headers: IncomingHttpHeaders,
  dropped: ReadonlySet<string> = new Set(),
): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || ofConnection.has(name) || dropped.has(name) || name.startsWith('x-basalt-')
        ? []
        : [[name, value]],
    ),
  )
}
