import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Socket } from 'node:net'
import { sqlState } from './database.ts'
import { newId } from './ids.ts'
import { ApiError, invalidRequest, type Issue, notFound, payloadTooLarge, unavailable } from './errors.ts'

/** Turns whatever was thrown into `application/problem+json` (RFC 9457). */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toApiError(error)
  // What is refused on purpose, to shed load, has nothing to explain: the line of the request says enough.
  if (problem.status >= 500 && (problem !== error || problem.cause !== undefined)) {
    request.log.error({ requestId: request.id, err: error, code: problem.code }, 'request failed')
  }
  if (problem.retryAfterSeconds !== undefined) {
    void reply.header('retry-after', String(Math.max(1, Math.ceil(problem.retryAfterSeconds))))
  }
  void reply
    .code(problem.status)
    .header('content-type', 'application/problem+json')
    .serializer(JSON.stringify)
    .send(presentProblem(problem, request.id))
}

export function answerUnknownRoute(request: FastifyRequest, reply: FastifyReply): void {
  answerError(notFound('This address'), request, reply)
}

/** Faults of the HTTP protocol itself, before there is a request. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const problem = clientErrors.get(error.code ?? '') ?? new ApiError('invalid_request', 'This is not HTTP.')
  const requestId = newId()
  const body = JSON.stringify(presentProblem(problem, requestId))
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nx-request-id: ${requestId}\r\n` +
      `content-type: application/problem+json\r\nx-content-type-options: nosniff\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

const clientErrors = new Map([
  ['HPE_HEADER_OVERFLOW', new ApiError('headers_too_large', 'The headers are larger than 16 KiB.')],
  ['ERR_HTTP_REQUEST_TIMEOUT', new ApiError('timeout', 'The request did not arrive in time.')],
])

function presentProblem(problem: ApiError, requestId: string): object {
  return {
    type: `https://basalt.dev/errors/${problem.code}`,
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    requestId,
    errors: problem.errors,
  }
}

/** What is ours passes; what Fastify and PostgreSQL say becomes a code; anything else is our fault and stays unsaid. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof Error && 'validation' in error) return fromValidation(error as FastifyError)
  if (error instanceof Error && 'statusCode' in error) return fromFastify(error as FastifyError)
  return (
    fromDatabase(error) ?? new ApiError('internal', 'Something went wrong on our side.', { cause: error })
  )
}

function fromValidation(error: FastifyError): ApiError {
  const part = error.validationContext === 'body' ? '' : (error.validationContext ?? '')
  return invalidRequest((error.validation ?? []).map((fault) => toIssue(part, fault)))
}

function toIssue(part: string, fault: NonNullable<FastifyError['validation']>[number]): Issue {
  const extra = fault.params['missingProperty'] ?? fault.params['additionalProperty']
  const steps = fault.instancePath.split('/').slice(1).map(unescapePointer)
  if (typeof extra === 'string') steps.push(extra)
  if (part === 'querystring' || part === 'params') steps.unshift(part === 'params' ? 'path' : 'query')
  return { path: steps.join('.'), code: fault.keyword, message: describeFault(fault) }
}

function describeFault(fault: NonNullable<FastifyError['validation']>[number]): string {
  if (fault.keyword === 'required') return 'is missing'
  if (fault.keyword === 'additionalProperties') return 'is not known here'
  return fault.message ?? 'is not valid'
}

/** RFC 6901, section 3. */
function unescapePointer(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~')
}

const fastifyErrors = new Map<number, (error: FastifyError) => ApiError>([
  [404, () => notFound('This address')],
  [408, () => new ApiError('timeout', 'The request did not arrive in time.')],
  [413, () => payloadTooLarge('The body is larger than allowed here.')],
  [415, () => new ApiError('unsupported_media_type', 'Send application/json.')],
  [503, (error) => unavailable('The server is stopping; try again in a moment.', 1, error)],
])

function fromFastify(error: FastifyError): ApiError {
  const known = fastifyErrors.get(error.statusCode ?? 500)
  if (known !== undefined) return known(error)
  if (error.statusCode !== undefined && error.statusCode < 500) {
    const detail =
      error instanceof SyntaxError ? `The body is not valid JSON: ${error.message}` : error.message
    return new ApiError('invalid_request', detail, {
      errors: [{ path: '', code: 'malformed', message: detail }],
    })
  }
  return new ApiError('internal', 'Something went wrong on our side.', { cause: error })
}

// Node's codes, then Prisma's for the same and for no connection becoming free in time.
const connectionLost =
  /^(ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT|P1001|P1002|P1008|P1017|P2024|P2028)$/

/** States of the database that a caller should know of: try again, or make it smaller. */
function fromDatabase(error: unknown): ApiError | undefined {
  const state = sqlState(error)
  if (state === '57014') return new ApiError('timeout', 'The query took too long.', { cause: error })
  if (state === '53100') return unavailable('The disk of the database is full.', 30, error)
  // Class 08 connection, 53 resources, 57P shutting down or starting up; 40 serialisation and deadlocks; 55P03
  // a lock that did not become free.
  if (state !== undefined && /^(08|53|57P|40|55P03)/.test(state)) {
    return unavailable('The database is not available at the moment.', 1, error)
  }
  if (!(error instanceof Error)) return undefined
  const isLost =
    ('code' in error && connectionLost.test(String(error.code))) ||
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
      error.message,
    )
  return isLost ? unavailable('The database is not available at the moment.', 1, error) : undefined
}
