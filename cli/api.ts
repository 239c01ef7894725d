import { setTimeout as sleep } from 'node:timers/promises'
import { CliFault, messageOf } from './fault.ts'
import { isRecord } from './private-file.ts'

/** One fault that the server found, with its place in the request: `rules.read`. */
export interface Issue {
  path: string
  code: string
  message: string
}

/** What the server answered instead of doing it. */
export class ApiFault extends CliFault {
  readonly status: number
  readonly code: string
  readonly issues: readonly Issue[]

  constructor(message: string, status: number, code: string, issues: readonly Issue[]) {
    super(message)
    this.status = status
    this.code = code
    this.issues = issues
  }
}

interface CallOptions {
  body?: unknown
  query?: Record<string, string>
}

/** Calls one server as one actor. */
export interface Api {
  readonly url: string
  call<T>(method: string, path: string, options?: CallOptions): Promise<T>
  /** What the server tells line by line (NDJSON), until it ends or `signal` aborts. */
  lines<T>(path: string, query: Record<string, string>, signal?: AbortSignal): AsyncGenerator<T>
}

// Indexes of large collections are built within one call.
const longestCallMs = 15 * 60_000
const patienceMs = 10_000

export function createApi(url: string, token: string | undefined): Api {
  const headers = {
    'user-agent': 'basalt-cli',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
  return {
    url,
    async call<T>(method: string, path: string, { body, query = {} }: CallOptions = {}): Promise<T> {
      const search = new URLSearchParams(query).toString()
      const response = await sendPatiently(url, `${path}${search === '' ? '' : `?${search}`}`, {
        method,
        headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        // A token goes to the server that it was given for, and nowhere else.
        redirect: 'manual',
        signal: AbortSignal.timeout(longestCallMs),
      })
      const text = await response.text()
      if (!response.ok) throw toFault(url, response.status, text, token !== undefined)
      // What the server answers is what its API says.
      return (text === '' ? undefined : JSON.parse(text)) as T
    },
    async *lines<T>(
      path: string,
      query: Record<string, string>,
      signal?: AbortSignal,
    ): AsyncGenerator<T, void, undefined> {
      const search = new URLSearchParams(query).toString()
      const response = await send(url, `${path}?${search}`, {
        headers,
        redirect: 'manual',
        ...(signal !== undefined && { signal }),
      })
      if (!response.ok || response.body === null) {
        throw toFault(url, response.status, await response.text(), token !== undefined)
      }
      for await (const line of readLines(url, response.body)) if (line !== '') yield JSON.parse(line) as T
    },
  }
}

async function* readLines(url: string, body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  } catch (error) {
    throw new CliFault(`The connection to ${url} broke (${messageOf(error)}).`, { cause: error })
  }
}

/** Who answers 503 has not begun: a server that is starting, or has too much to do for a moment. */
async function sendPatiently(url: string, path: string, init: RequestInit): Promise<Response> {
  const end = Date.now() + patienceMs
  for (;;) {
    const response = await send(url, path, init)
    const waitMs = Number(response.headers.get('retry-after') ?? 1) * 1000
    if (response.status !== 503 || Date.now() + waitMs > end) return response
    await response.body?.cancel()
    await sleep(waitMs)
  }
}

async function send(url: string, path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url + path, init)
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : messageOf(cause)
    throw new CliFault(
      `Nothing answers at ${url} (${code}). Is the server running? \`basalt dev\` starts one for this folder.`,
      { cause: error },
    )
  }
}

function toFault(url: string, status: number, text: string, hasToken: boolean): ApiFault {
  const problem = parseProblem(text)
  if (problem === undefined) {
    return new ApiFault(
      `${url} answered ${status}, and not as Basalt does. Is the address right?`,
      status,
      '',
      [],
    )
  }
  const { code, detail, issues } = problem
  return new ApiFault(describe(url, code, detail, hasToken), status, code, issues)
}

function describe(url: string, code: string, detail: string, hasToken: boolean): string {
  if (code !== 'unauthenticated') return detail
  if (!hasToken) return detail
  return `${url} does not take this token: ${detail} Sign in again with \`basalt login ${url}\`, or set BASALT_TOKEN anew.`
}

function parseProblem(text: string): { code: string; detail: string; issues: Issue[] } | undefined {
  try {
    const problem: unknown = JSON.parse(text)
    if (!isRecord(problem) || typeof problem['code'] !== 'string') return undefined
    const issues = Array.isArray(problem['errors']) ? (problem['errors'] as Issue[]) : []
    return { code: problem['code'], detail: String(problem['detail']), issues }
  } catch {
    return undefined
  }
}

/** Whether a Basalt server answers there, within two seconds. */
export async function isServing(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) })
    const body: unknown = await response.json()
    return response.headers.has('x-request-id') && isRecord(body) && body['status'] === 'ok'
  } catch {
    return false
  }
}
