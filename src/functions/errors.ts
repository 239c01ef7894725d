import { ApiError, type Issue, notFound, unavailable } from '../platform/errors.ts'

export function functionNotFound(name: string): ApiError {
  return notFound(`The function ${name}`)
}

/** 503: there is no process to run it at the moment. */
export function functionUnavailable(detail: string, retryAfterSeconds = 1, cause?: unknown): ApiError {
  return unavailable(detail, retryAfterSeconds, cause)
}

/** 500 with the message that the function threw; its stack is in the logs. */
export function functionFailed(name: string, message: string): ApiError {
  return new ApiError('function_failed', `${name}: ${message.slice(0, 2_000)}`)
}

export function functionTimedOut(name: string, milliseconds: number): ApiError {
  return new ApiError('function_timeout', `${name} did not answer within ${milliseconds} ms.`)
}

/** 504: a loop without end, in this function or in one that ran beside it. */
export function functionHung(name: string): ApiError {
  return new ApiError('function_timeout', `${name}, or a function that ran beside it, did not give way.`)
}

export function functionOutOfMemory(name: string): ApiError {
  return new ApiError(
    'function_out_of_memory',
    `${name}, or a function that ran beside it, took too much memory.`,
  )
}

/** 422 with the reason that the function gave: `reject('…')`. */
export function functionRejected(reason: string): ApiError {
  return new ApiError('rejected', reason.slice(0, 2_000))
}

/** 429: as many calls of the project are under way as may be. */
export function tooManyCalls(): ApiError {
  return new ApiError('rate_limited', 'Too many functions of this project run at once.', {
    retryAfterSeconds: 1,
  })
}

export function chainTooDeep(depth: number): ApiError {
  return new ApiError('conflict', `The chain of functions is ${depth} deep; it ends here.`)
}

/** 422 with file and line: the deployment is refused, and what ran goes on running. */
export function deploymentInvalid(errors: Issue[]): ApiError {
  const [first] = errors
  const detail = first === undefined ? 'The deployment is not valid.' : `${first.path}: ${first.message}`
  return new ApiError('validation_failed', detail, { errors })
}
