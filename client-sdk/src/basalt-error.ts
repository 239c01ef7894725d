/** One fault of a request, with the place it was found at: `where.votes.$gte`. */
export interface Issue {
  path: string
  code: string
  message: string
}

/** The codes of the server, and those of the client: `network`, `timeout`, `unexpected_response`. */
export type ErrorCode =
  | 'invalid_request'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'project_locked'
  | 'version_mismatch'
  | 'cursor_expired'
  | 'already_exists'
  | 'validation_failed'
  | 'payload_too_large'
  | 'rate_limited'
  | 'quota_exceeded'
  | 'unavailable'
  | 'timeout'
  | 'internal'
  | 'network'
  | 'unexpected_response'
  | (string & {})

interface ErrorFacts {
  status?: number | undefined
  requestId?: string | undefined
  errors?: Issue[] | undefined
  retryAfterMs?: number | undefined
  cause?: unknown
}

/** Known by it, whatever copy of this package made the error: a bundle may hold two. */
const errorMark = Symbol.for('basalt.error')

/**
 * Everything that a call can fail with, but for being aborted: that throws the signal's reason.
 * Switch on `code`; it never changes its meaning.
 */
export class BasaltError extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && errorMark in value
  }

  override readonly name = 'BasaltError'
  readonly [errorMark] = true
  readonly code: ErrorCode
  readonly detail: string
  /** The HTTP status; undefined if no answer came. */
  readonly status: number | undefined
  /** Names the request in the server's log. */
  readonly requestId: string | undefined
  /** Faults by field. */
  readonly errors: readonly Issue[]
  /** How long the server asks to wait before another try. */
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, detail: string, facts: ErrorFacts = {}) {
    super(detail, { cause: facts.cause })
    this.code = code
    this.detail = detail
    this.status = facts.status
    this.requestId = facts.requestId
    this.errors = facts.errors ?? []
    this.retryAfterMs = facts.retryAfterMs
  }
}

/** Reads an answer that isn't a success: RFC 9457 from Basalt, anything from what stands in between. */
export async function errorFromResponse(response: Response): Promise<BasaltError> {
  const { status, headers } = response
  const problem = parseProblem(await response.text())
  return new BasaltError(
    problem.code ?? 'unexpected_response',
    problem.detail ?? problem.title ?? `The server answered with status ${status}.`,
    {
      status,
      requestId: problem.requestId ?? headers.get('x-request-id') ?? undefined,
      errors: problem.errors,
      retryAfterMs: parseRetryAfter(headers.get('retry-after')),
    },
  )
}

interface Problem {
  code?: string
  detail?: string
  title?: string
  requestId?: string
  errors?: Issue[]
}

function parseProblem(text: string): Problem {
  try {
    const problem: Problem | null = JSON.parse(text)
    return typeof problem === 'object' && problem !== null ? problem : {}
  } catch {
    return {}
  }
}

/** Parses what should be JSON, and is something else when a proxy or a hotspot answers. */
export function parseJson<T>(text: string, status: number): T {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new BasaltError('unexpected_response', 'The answer is not JSON.', { status, cause })
  }
}

/** RFC 9110, 10.2.3: seconds or a date. */
function parseRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
