import { ApiError, unauthenticated } from '../../platform/errors.ts'

/** The same for an unknown e-mail and a wrong password. */
export function wrongSignIn(): ApiError {
  return unauthenticated('The e-mail or the password is wrong.')
}

/** The same for unknown, used and expired ones. */
export function linkInvalid(): ApiError {
  return new ApiError('code_invalid', 'The link is wrong, used or expired.')
}

export function operatorExists(): ApiError {
  return new ApiError('already_exists', 'An operator with this e-mail exists; ask to be added as a member.')
}
