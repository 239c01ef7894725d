import { lookup, type LookupAddress } from 'node:dns'
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import type { Config } from '../config.ts'
import { isReachable } from './outbound-addresses.ts'

const resolveAll = promisify(lookup)

/** What `fetch` takes, and how long and how much at most. */
export interface OutboundInit extends RequestInit {
  /** For everything, redirects included. 10 seconds by default. */
  timeoutMs?: number
  /** Of the answer's body. 1 MiB by default. */
  maxBytes?: number
}

/** Why there is no answer. Not for the caller of the API: it would tell what stands in the private network. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly reason: 'refused' | 'too_large' | 'timeout' | 'unreachable'

  constructor(reason: OutboundError['reason'], message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

const maxRedirects = 5

/**
 * `fetch` for addresses that somebody else chose: webhooks, identity providers, push endpoints. The name is resolved,
 * every address of it is checked, and the connection goes to exactly those, at each redirect anew: a name that points
 * elsewhere a moment later (DNS rebinding) gains nothing. Throws an `OutboundError`.
 */
export async function outboundFetch(
  config: Pick<Config, 'outboundAllow'>,
  url: string | URL,
  { timeoutMs = 10_000, maxBytes = 1024 * 1024, signal, ...init }: OutboundInit = {},
): Promise<Response> {
  const deadline = AbortSignal.timeout(timeoutMs)
  const stop = signal ? AbortSignal.any([signal, deadline]) : deadline
  try {
    return await follow(config, new Request(url, init), maxBytes, stop)
  } catch (error) {
    if (error instanceof OutboundError) throw error
    if (deadline.aborted) throw new OutboundError('timeout', 'it took too long', error)
    throw new OutboundError('unreachable', 'no answer', error)
  }
}

async function follow(
  config: Pick<Config, 'outboundAllow'>,
  first: Request,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Response> {
  let hop: Hop = {
    url: new URL(first.url),
    method: first.method,
    headers: first.headers,
    body: Buffer.from(await first.arrayBuffer()),
  }
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    const addresses = await resolveReachable(config, hop.url, signal)
    const response = await send(hop, addresses, maxBytes, signal)
    const location = response.headers.get('location')
    const isRedirect = [301, 302, 303, 307, 308].includes(response.status) && location !== null
    if (!isRedirect || first.redirect === 'manual') return response
    if (first.redirect === 'error') throw new OutboundError('refused', 'a redirect was not expected')
    hop = nextHop(hop, response.status, new URL(location, hop.url))
  }
  throw new OutboundError('refused', `more than ${maxRedirects} redirects`)
}

interface Hop {
  url: URL
  method: string
  headers: Headers
  body: Buffer
}

/** As browsers do (https://fetch.spec.whatwg.org/#http-redirect-fetch); credentials stay with their origin. */
function nextHop({ url, method, headers, body }: Hop, status: number, target: URL): Hop {
  if (url.protocol === 'https:' && target.protocol !== 'https:') {
    throw new OutboundError('refused', 'a redirect from https to http')
  }
  const next = new Headers(headers)
  if (target.origin !== url.origin) for (const name of ['authorization', 'cookie']) next.delete(name)
  const becomesGet = status === 303 ? method !== 'HEAD' : status < 303 && method === 'POST'
  if (!becomesGet) return { url: target, method, headers: next, body }
  for (const name of ['content-type', 'content-length']) next.delete(name)
  return { url: target, method: 'GET', headers: next, body: Buffer.alloc(0) }
}

async function resolveReachable(
  config: Pick<Config, 'outboundAllow'>,
  url: URL,
  signal: AbortSignal,
): Promise<LookupAddress[]> {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new OutboundError('refused', 'not http(s)')
  if (url.username !== '' || url.password !== '') throw new OutboundError('refused', 'credentials in the URL')
  return resolveHost(config, url.hostname.replace(/^\[|\]$/g, ''), signal)
}

/** The addresses of a host that somebody else chose: connect to one of these, not to the name. Throws an `OutboundError`. */
export async function resolveHost(
  { outboundAllow }: Pick<Config, 'outboundAllow'>,
  host: string,
  signal: AbortSignal,
): Promise<LookupAddress[]> {
  const literal = isIP(host)
  const addresses =
    literal === 0
      ? await untilAborted(resolveAll(host, { all: true }), signal)
      : [{ address: host, family: literal }]
  // One private address among public ones is an attempt to get there by chance.
  if (addresses.length === 0 || !addresses.every(({ address }) => isReachable(address, outboundAllow))) {
    throw new OutboundError('refused', `${host} is not a public address`)
  }
  return addresses
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function send(
  { url, method, headers, body }: Hop,
  addresses: LookupAddress[],
  maxBytes: number,
  signal: AbortSignal,
): Promise<Response> {
  const options: RequestOptions = {
    method,
    headers: {
      'user-agent': 'Basalt',
      ...Object.fromEntries(headers),
      'accept-encoding': 'identity',
      ...(body.length > 0 ? { 'content-length': body.length } : {}),
    },
    signal,
    // A connection of its own: one that is kept was checked for another request.
    agent: false,
    lookup: (_host, { all }, done) => {
      const [first] = addresses
      if (all) done(null, addresses)
      else done(null, first?.address ?? '', first?.family)
    },
  }
  const { promise, resolve, reject } = Promise.withResolvers<Response>()
  const request = url.protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options)
  request.on('error', reject)
  request.on('response', (response) => {
    readBody(response, maxBytes)
      .then((bytes) => resolve(toResponse(response, bytes)))
      .catch((error: unknown) => {
        request.destroy()
        reject(error)
      })
  })
  request.end(body)
  return promise
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > maxBytes) throw new OutboundError('too_large', `more than ${maxBytes} bytes`)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

function toResponse({ statusCode = 0, headers }: IncomingMessage, bytes: Buffer): Response {
  const hasNoBody = [204, 205, 304].includes(statusCode)
  const pairs = Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value ?? '']).map((one): [string, string] => [name, one]),
  )
  return new Response(hasNoBody ? null : new Uint8Array(bytes), { status: statusCode, headers: pairs })
}
