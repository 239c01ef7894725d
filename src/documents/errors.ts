import {
  ApiError,
  declarationBroken,
  forbidden,
  invalidRequest,
  type Issue,
  notFound,
  payloadTooLarge,
} from '../platform/errors.ts'

export function collectionNotFound(name: string): ApiError {
  return notFound(`The collection ${name}`)
}

export function collectionBroken(name: string): ApiError {
  return declarationBroken(`What is declared of the collection ${name}`)
}

/** For everybody, rules and scopes aside: another feature writes it. */
export function readOnlyCollection(name: string): ApiError {
  return forbidden(`The collection ${name} is built in: it can be read, not written or deleted.`)
}

/** Also for documents that exist and that the caller may not read: the answer must not tell which. */
export function documentNotFound(id: string): ApiError {
  return notFound(`The document ${id}`)
}

export function documentExists(id: string): ApiError {
  return new ApiError('already_exists', `A document with the id ${id} exists already.`, {
    errors: [{ path: 'id', code: 'already_exists', message: 'is taken' }],
  })
}

export function uniqueViolation(index: string, fields: readonly string[]): ApiError {
  return new ApiError('already_exists', `The unique index ${index} holds these values already.`, {
    errors: fields.map((path) => ({
      path,
      code: 'already_exists',
      message: `is not unique in the index ${index}`,
    })),
  })
}

export function versionMismatch(id: string): ApiError {
  return new ApiError('version_mismatch', `The document ${id} is not at the version that was asked for.`)
}

export function ruleRefused(action: string, collection: string): ApiError {
  return forbidden(`The rules of ${collection} do not let you ${action} this.`)
}

export function fieldRefused(path: string, access: 'read' | 'write'): ApiError {
  return forbidden(`You may not ${access} the field ${path}.`, [
    {
      path,
      code: 'forbidden',
      message: `may not be ${access === 'read' ? 'read or used in a query' : 'written'}`,
    },
  ])
}

export function validationFailed(errors: Issue[]): ApiError {
  const first = errors[0]
  return new ApiError(
    'validation_failed',
    first === undefined ? 'The data is not valid.' : `${first.path}: ${first.message}`,
    {
      errors,
    },
  )
}

export function documentTooLarge(limit: number): ApiError {
  return payloadTooLarge(`A document holds at most ${limit} bytes of JSON.`)
}

export function idempotencyConflict(): ApiError {
  return new ApiError('conflict', 'This Idempotency-Key was used for a different request.')
}

export function projectLocked(): ApiError {
  return new ApiError(
    'project_locked',
    'The write that called this function holds the project until the function ends, so that it can read here and not write.',
  )
}

export function tooContended(id: string): ApiError {
  return new ApiError('conflict', `The document ${id} changes too fast; try again.`, { retryAfterSeconds: 1 })
}

/** The same fault, seen from outside of what was checked: `operations[2].data` before each path. */
export function atPath(prefix: string, error: ApiError): ApiError {
  const errors = error.errors.map((issue) => ({
    ...issue,
    path: issue.path === '' ? prefix : `${prefix}.${issue.path}`,
  }))
  const located = errors.length > 0 ? errors : [{ path: prefix, code: error.code, message: error.message }]
  return error.code === 'invalid_request'
    ? invalidRequest(located)
    : new ApiError(error.code, `${prefix}: ${error.message}`, { errors: located, cause: error })
}
