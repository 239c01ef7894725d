import { ApiError, invalidValue, unauthenticated } from '../../platform/errors.ts'

/** The same for a passkey that nobody has and for a signature that is wrong. */
export function passkeyRefused(cause?: unknown): ApiError {
  const error = unauthenticated('The passkey is not valid here.')
  error.cause = cause
  return error
}

export function registrationInvalid(cause?: unknown): ApiError {
  const error = invalidValue('response', 'is not what the authenticator should answer', 'passkey_invalid')
  error.cause = cause
  return error
}

export function passkeyTaken(): ApiError {
  return new ApiError('already_exists', 'This passkey is registered already.')
}

export function tooManyPasskeys(max: number): ApiError {
  return new ApiError('conflict', `An account has ${max} passkeys at most.`)
}
