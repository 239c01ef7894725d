import { BasaltError, errorFromResponse, parseJson } from './basalt-error.ts'
import { sleep, withDeadline } from './deadline.ts'
import { isPassing, retryDelayMs } from './retry.ts'

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the project's URL, each segment encoded. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is, instead of `body`. */
  readonly ndjson?: string
  /** A POST that asks and changes nothing. */
  readonly asks?: boolean
  /** Has effects that an `Idempotency-Key` does not cover: tried again only if it certainly did not begin. */
  readonly once?: boolean
  readonly signal?: AbortSignal | undefined
}

/** Sends requests of one project and reads their answers, with retries and a deadline over both. */
export interface Transport {
  /** What the answer holds is the server's promise, not checked again here. */
  json<T>(request: ApiRequest): Promise<T>
  /** For answers that carry nothing. */
  empty(request: ApiRequest): Promise<void>
  /** The answer as soon as its headers are there; its body is outside the deadline. */
  stream(request: ApiRequest): Promise<Response>
}

/** The part of `fetch` that is used, for platforms and tests that bring their own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/**
 * Gives the access token of the signed-in user, null for nobody. Asked before every try, and once more with the token
 * that the server has refused: if another one comes, the request is sent again.
 */
export type TokenProvider = (refused?: string) => string | null | Promise<string | null>

export interface TransportOptions {
  /** The project's URL. */
  readonly baseUrl: string
  /** Null: a user's token says enough, as it is good for one project only. */
  readonly key: string | null
  readonly accessToken: TokenProvider
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, string>>
  readonly fetch: Fetch
  readonly timeoutMs: number
  readonly retries: number
}

export function createTransport(options: TransportOptions): Transport {
  return {
    json: <T>(request: ApiRequest) => send<T>(options, request, readJson),
    empty: (request) => send(options, request, readNothing),
    stream: (request) => send(options, request, (response) => Promise.resolve(response)),
  }
}

function send<T>(
  options: TransportOptions,
  request: ApiRequest,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  const { timeoutMs, retries } = options
  const endsAt = Date.now() + timeoutMs
  const headers = { ...options.headers, ...requestHeaders(request) }

  return withDeadline({ timeoutMs, signal: request.signal }, async (signal) => {
    // What works once is not sent twice, as a 401 may also say that a password was wrong.
    let mayRenew = request.once !== true
    for (let tries = 1; ; tries++) {
      const token = await bearerToken(options)
      try {
        const authorization = authorizationHeaders(options, token)
        return await sendOnce(options, request, { ...headers, ...authorization }, signal, read)
      } catch (cause) {
        const error = cause instanceof BasaltError ? cause : networkError(cause)
        if (token !== null && mayRenew && isRefusedToken(error)) {
          mayRenew = false
          const renewed = await bearerToken(options, token)
          if (renewed !== null && renewed !== token) continue
        }
        const delay = retryDelayMs(error, tries)
        const isLast = tries > retries || Date.now() + delay >= endsAt
        if (signal.aborted || isLast || !isPassing(error, request.once)) throw error
        await sleep(delay, signal)
      }
    }
  })
}

async function sendOnce<T>(
  { baseUrl, fetch }: TransportOptions,
  { method, path, query, body, ndjson }: ApiRequest,
  headers: Record<string, string>,
  signal: AbortSignal,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  const init: RequestInit = { method, headers, signal }
  if (ndjson !== undefined) init.body = ndjson
  else if (body !== undefined) init.body = JSON.stringify(body)

  const response = await fetch(baseUrl + path + queryString(query), init)
  if (!response.ok) throw await errorFromResponse(response)
  return read(response)
}

function requestHeaders({ method, body, ndjson, headers, asks }: ApiRequest): Record<string, string> {
  return {
    ...(ndjson === undefined ? {} : { 'content-type': 'application/x-ndjson' }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    // Made once for all tries: the server answers a repeated write with the outcome of the first.
    ...(method === 'GET' || asks ? {} : { 'idempotency-key': randomId() }),
    ...headers,
  }
}

async function bearerToken({ key, accessToken }: TransportOptions, refused?: string): Promise<string | null> {
  return key?.startsWith('sk_') ? key : accessToken(refused)
}

function authorizationHeaders({ key }: TransportOptions, token: string | null): Record<string, string> {
  return {
    ...(key === null || key === token ? {} : { 'x-api-key': key }),
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  }
}

function isRefusedToken({ status, code }: BasaltError): boolean {
  return status === 401 && code === 'unauthenticated'
}

function queryString(query: ApiRequest['query'] = {}): string {
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${encodeURIComponent(value)}`,
  )
  return parameters.length === 0 ? '' : `?${parameters.join('&')}`
}

/** `crypto.randomUUID` is missing in React Native and on pages without HTTPS; the key must be unique, not secret. */
function randomId(): string {
  if (typeof globalThis.crypto?.randomUUID === 'function') return crypto.randomUUID()
  return Array.from({ length: 32 }, () => Math.floor(Math.random() * 16).toString(16)).join('')
}

function networkError(cause: unknown): BasaltError {
  return new BasaltError('network', 'The server could not be reached, or the connection broke.', { cause })
}

async function readJson<T>(response: Response): Promise<T> {
  return parseJson(await response.text(), response.status)
}

async function readNothing(response: Response): Promise<void> {
  await response.text()
}
