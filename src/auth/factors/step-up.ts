import type { AuthenticationResponseJSON } from '@simplewebauthn/server'
import { invalidValue } from '../../platform/errors.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { notSignedIn } from '../errors.ts'
import { passwordMatches } from '../password/sign-in.ts'
import type { SessionTokens } from '../sessions/issue-tokens.ts'
import { hasFactor } from './owes-factor.ts'
import { renewProof } from './renew-proof.ts'
import { limitFactorAttempts, useFactorCode } from './use-factor-code.ts'
import { useOwnPasskey } from './use-passkey.ts'

/** One of them. */
interface Proof {
  password?: string
  code?: string
  passkey?: AuthenticationResponseJSON
}

/**
 * Proves again who is there, for `requireFreshProof`: by a passkey, by a code of the second factor where there is one,
 * by the password otherwise. Throws `code_invalid`, or 400 for a wrong password: the session itself is as good as before.
 */
export async function stepUp(
  auth: Auth,
  project: Project,
  actor: UserActor,
  { password, code, passkey }: Proof,
): Promise<SessionTokens> {
  if (passkey !== undefined) {
    if (password !== undefined || code !== undefined) {
      throw invalidValue('passkey', 'can’t be together with a code or password', 'not_allowed')
    }
    return renewProof(auth, project, actor, await useOwnPasskey(auth, project, actor, passkey))
  }
  if (code !== undefined) {
    if (password !== undefined) throw invalidValue('password', 'can’t be together with a code', 'not_allowed')
    await useFactorCode(auth, project, actor.uid, code)
    return renewProof(auth, project, actor, ['otp', 'mfa'])
  }
  if (await hasFactor(auth.services.control, actor.uid)) {
    throw invalidValue('code', 'is needed, since this account has a second factor', 'required')
  }
  if (password === undefined) throw invalidValue('password', 'is needed', 'required')
  await limitFactorAttempts(auth, project, actor.uid)
  const user = await auth.services.control.user.findUnique({
    where: { id: actor.uid, projectId: project.id },
  })
  if (user === null) throw notSignedIn()
  if (!(await passwordMatches(auth, user, password)))
    throw invalidValue('password', 'is wrong', 'wrong_password')
  return renewProof(auth, project, actor, ['pwd'])
}
