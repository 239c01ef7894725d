import type { AuthenticationResponseJSON } from '@simplewebauthn/server'
import { ApiError, invalidValue } from '../../platform/errors.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { codeInvalid } from '../errors.ts'
import { authenticationOptions, useCounter, verifyPasskey } from '../passkeys/verify-passkey.ts'
import { limitFactorAttempts } from './use-factor-code.ts'

/** What `navigator.credentials.get` takes for showing a passkey of one's own again. Throws 409 where there is none. */
export async function ownPasskeyOptions(auth: Auth, project: Project, { uid }: UserActor) {
  const passkeys = await auth.services.control.passkey.findMany({ where: { userId: uid }, take: 100 })
  if (passkeys.length === 0) throw new ApiError('conflict', 'You have no passkey.')
  return authenticationOptions(auth, project, { proves: uid }, passkeys)
}

/** How the user proved who they are, as in RFC 8176. */
export type ProofMethods = readonly string[]

/**
 * Proves again who is there by a passkey of theirs. It is a second factor (`mfa`) beside another proof, or by PIN or
 * biometrics. Throws `code_invalid`.
 */
export async function useOwnPasskey(
  auth: Auth,
  project: Project,
  actor: UserActor,
  response: AuthenticationResponseJSON,
): Promise<ProofMethods> {
  const { uid } = actor
  await limitFactorAttempts(auth, project, uid)
  const verified = await verifyPasskey(auth, project, { proves: uid }, response).catch(asCodeInvalid)
  if (verified.passkey.userId !== uid) throw codeInvalid()
  await useCounter(auth.services.control, verified).catch(asCodeInvalid)
  const isSecond = verified.isUserVerified || actor.amr.some((method) => firstFactors.has(method))
  return isSecond ? [...verified.amr, 'mfa'] : verified.amr
}

/** For the second factor itself, where one factor shown twice is not enough. */
export function requireMfa(methods: ProofMethods): ProofMethods {
  if (!methods.includes('mfa')) {
    throw invalidValue(
      'passkey',
      'needs PIN or biometrics, being the only factor',
      'user_verification_required',
    )
  }
  return methods
}

const firstFactors = new Set(['pwd', 'otp', 'sms', 'fed'])

/** Who is signed in stays so: a passkey that is refused is like a wrong code. */
function asCodeInvalid(error: unknown): never {
  if (error instanceof ApiError && error.status === 401) throw codeInvalid()
  throw error
}
