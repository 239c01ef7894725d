/** One fault of a request, with the place it was found at: `where.votes.$gte`, `documents[3].title`. */
export interface Issue {
  path: string
  code: string
  message: string
}

interface Kind {
  status: number
  title: string
}

/**
 * Every code that an answer may carry, with its status.
 * Codes are part of the API: clients switch on them, so they never change their meaning.
 */
const kinds = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  code_invalid: { status: 400, title: 'The code is wrong, used or expired' },
  unauthenticated: { status: 401, title: 'Authentication is required' },
  forbidden: { status: 403, title: 'This is not allowed' },
  second_factor_required: { status: 403, title: 'Show your second factor first' },
  step_up_required: { status: 403, title: 'Prove again who you are' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'This path does not take this method' },
  conflict: { status: 409, title: 'The request is in conflict with the present state' },
  project_locked: { status: 409, title: 'The write that called this function holds the project' },
  declaration_broken: { status: 409, title: 'What is declared here can not be used any more' },
  already_exists: { status: 409, title: 'It exists already' },
  version_mismatch: { status: 412, title: 'It has changed in the meantime' },
  cursor_expired: { status: 410, title: 'The cursor is older than what is kept' },
  payload_too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported' },
  validation_failed: { status: 422, title: 'The data is not valid' },
  rejected: { status: 422, title: 'A function of the project refused it' },
  rate_limited: { status: 429, title: 'Too many requests' },
  quota_exceeded: { status: 429, title: 'A quota of the project is used up' },
  headers_too_large: { status: 431, title: 'The request headers are too large' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  function_failed: { status: 500, title: 'The function failed' },
  unavailable: { status: 503, title: 'Not available at the moment' },
  timeout: { status: 504, title: 'It took too long' },
  function_timeout: { status: 504, title: 'The function took too long' },
  function_out_of_memory: { status: 507, title: 'The function took too much memory' },
} as const satisfies Record<string, Kind>

export type ErrorCode = keyof typeof kinds

interface ErrorOptions {
  /** Faults by field. */
  errors?: Issue[]
  /** Logged, never sent. */
  cause?: unknown
  /** Sent as `Retry-After`. */
  retryAfterSeconds?: number
}

/**
 * An error that is meant for the caller. Anything else that is thrown becomes `internal`.
 * Features make theirs by name in their own `errors.ts` (`documentNotFound(id)`).
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ErrorCode
  readonly status: number
  readonly title: string
  readonly errors: Issue[]
  readonly retryAfterSeconds: number | undefined

  constructor(code: ErrorCode, detail: string, options: ErrorOptions = {}) {
    super(detail, { cause: options.cause })
    this.code = code
    this.status = kinds[code].status
    this.title = kinds[code].title
    this.errors = options.errors ?? []
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/** 400 with the path of every fault. */
export function invalidRequest(errors: Issue[]): ApiError {
  const first = errors[0]
  const detail = first === undefined ? 'The request is not valid.' : describeIssue(first)
  return new ApiError('invalid_request', detail, { errors })
}

/** 400 with a single fault. */
export function invalidValue(path: string, message: string, code = 'invalid'): ApiError {
  return invalidRequest([{ path, code, message }])
}

export function notFound(what: string): ApiError {
  return new ApiError('not_found', `${what} does not exist.`)
}

/** For everybody, until it is declared anew: what is stored was understood once, and is not any more. */
export function declarationBroken(what: string): ApiError {
  return new ApiError('declaration_broken', `${what} can not be used any more; it has to be declared anew.`)
}

export function forbidden(detail: string, errors: Issue[] = []): ApiError {
  return new ApiError('forbidden', detail, { errors })
}

/** 403 until the user has shown a second factor in this session. */
export function secondFactorRequired(): ApiError {
  return new ApiError('second_factor_required', 'Show your second factor, or set one up, and try again.')
}

export function unauthenticated(detail: string): ApiError {
  return new ApiError('unauthenticated', detail)
}

export function payloadTooLarge(detail: string): ApiError {
  return new ApiError('payload_too_large', detail)
}

export function unavailable(detail: string, retryAfterSeconds = 1, cause?: unknown): ApiError {
  return new ApiError('unavailable', detail, { retryAfterSeconds, cause })
}

function describeIssue(issue: Issue): string {
  return issue.path === '' ? issue.message : `${issue.path}: ${issue.message}`
}
