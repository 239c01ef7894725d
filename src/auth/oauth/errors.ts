import { ApiError, invalidValue, unauthenticated, unavailable } from '../../platform/errors.ts'

/** Why stands in the log: the provider's words are not for the caller. */
export function providerUnavailable(cause: unknown): ApiError {
  return unavailable('The identity provider does not answer as it should.', 5, cause)
}

export function idTokenInvalid(cause?: unknown): ApiError {
  const error = unauthenticated('The id token is not valid here.')
  error.cause = cause
  return error
}

export function noIdTokens(): ApiError {
  return invalidValue('provider', 'has no id tokens; use the redirect', 'no_id_tokens')
}

export function redirectNotAllowed(): ApiError {
  return invalidValue('redirectTo', "is not one of the project's redirect URLs", 'redirect_not_allowed')
}

export function identityTaken(): ApiError {
  return new ApiError('already_exists', 'This account already signs another user in.')
}
