import type { AuthenticationResponseJSON } from '@simplewebauthn/server'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import type { Device } from '../device.ts'
import { answerSignIn } from '../sessions/answer-sign-in.ts'
import type { SessionTokens } from '../sessions/issue-tokens.ts'
import { openSession } from '../sessions/open-session.ts'
import { lockUserById } from '../users/lock-user-by-id.ts'
import { passkeyRefused } from './errors.ts'
import { useCounter, verifyPasskey } from './verify-passkey.ts'

/** Signs in whoever's authenticator signed the challenge; at two factors if it verified its user. */
export async function signInWithPasskey(
  auth: Auth,
  project: Project,
  response: AuthenticationResponseJSON,
  device: Device,
): Promise<SessionTokens> {
  const verified = await verifyPasskey(auth, project, 'sign-in', response)
  const { passkey, amr, isUserVerified } = verified
  const { user, session } = await auth.services.control.$transaction(async (tx) => {
    const user = await lockUserById(tx, passkey.userId)
    if (user === null) throw passkeyRefused()
    await useCounter(tx, verified)
    const proof = { amr, assurance: isUserVerified ? 2 : 1 } as const
    return { user, session: await openSession(auth, tx, project, user, proof, device) }
  })
  return answerSignIn(auth, project, user, session)
}
