import { ApiError, forbidden, unauthenticated } from '../platform/errors.ts'

/** The same for an unknown e-mail and a wrong password. */
export function wrongCredentials(): ApiError {
  return unauthenticated('The e-mail or the password is wrong.')
}

export function refreshTokenInvalid(): ApiError {
  return unauthenticated('The refresh token is not valid (any more). Sign in again.')
}

/** Only told to somebody who knew the password. */
export function userSuspended(): ApiError {
  return forbidden('This account is suspended.')
}

export function methodDisabled(method: string): ApiError {
  return forbidden(`Signing in by ${method} is not switched on in this project.`)
}

export function codeInvalid(): ApiError {
  return new ApiError('code_invalid', 'The code is wrong, used or expired.')
}

export function notSignedIn(): ApiError {
  return unauthenticated('Sign in first.')
}

export function stepUpRequired(): ApiError {
  return new ApiError('step_up_required', 'Show your password or second factor again (POST …/auth/step-up).')
}

/** Only where the project does not ask for verified addresses: there nobody may learn it. */
export function emailTaken(): ApiError {
  return new ApiError('already_exists', 'There is an account with this e-mail already.', {
    errors: [{ path: 'email', code: 'already_exists', message: 'is taken' }],
  })
}
