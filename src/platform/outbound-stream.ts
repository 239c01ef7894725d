import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Readable } from 'node:stream'
import type { Config } from '../config.ts'
import { OutboundError, resolveHost } from './outbound-http.ts'

export interface OutboundRequest {
  url: URL
  method: string
  headers: Record<string, string | string[]>
  body: Readable | undefined
  signal: AbortSignal
}

// Without a byte in either direction.
const idleMs = 60_000

/**
 * One request to an address that somebody else chose, with bodies that flow both ways; redirects are the caller's to
 * follow. As `outboundFetch`: the name is resolved, all its addresses are checked, and the connection goes to those.
 * Throws an `OutboundError`.
 */
export async function outboundStream(
  config: Pick<Config, 'outboundAllow'>,
  { url, method, headers, body, signal }: OutboundRequest,
): Promise<IncomingMessage> {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new OutboundError('refused', 'not http(s)')
  if (url.username !== '' || url.password !== '') throw new OutboundError('refused', 'credentials in the URL')
  const addresses = await resolveHost(config, url.hostname.replace(/^\[|\]$/g, ''), signal).catch(
    asOutboundError,
  )
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method,
    headers,
    signal,
    // A connection of its own: one that is kept was checked for another request.
    agent: false,
    lookup(_host, { all }, done) {
      const [first] = addresses
      if (all) done(null, addresses)
      else done(null, first?.address ?? '', first?.family)
    },
  })
  request.setTimeout(idleMs, () => request.destroy(new OutboundError('timeout', 'it took too long')))
  request.on('response', resolve)
  request.on('error', (error) =>
    reject(error instanceof OutboundError ? error : new OutboundError('unreachable', 'no answer', error)),
  )
  if (body === undefined) request.end()
  else {
    body.on('error', (error) => request.destroy(error))
    body.pipe(request)
  }
  return promise
}

function asOutboundError(error: unknown): never {
  throw error instanceof OutboundError ? error : new OutboundError('unreachable', 'no answer', error)
}
