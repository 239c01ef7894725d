import { sqlState } from '../../platform/database.ts'
import { ApiError } from '../../platform/errors.ts'
import { hashPassword } from '../../platform/passwords.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import { requestEmailChange } from '../account/change-email.ts'
import type { Auth } from '../auth.ts'
import { limitCodeRequests } from '../codes/limit-codes.ts'
import { sendCode } from '../codes/send-code.ts'
import type { Device } from '../device.ts'
import { emailTaken, methodDisabled, notSignedIn } from '../errors.ts'
import { renewProof } from '../factors/renew-proof.ts'
import { checkNewPassword } from '../password/check-password.ts'
import type { SessionTokens } from '../sessions/issue-tokens.ts'
import { normaliseEmail } from '../users/create-user.ts'

/**
 * Gives an anonymous user e-mail and password; id and data stay. Where the project asks for verified addresses the
 * answer is null for everybody, and the user stays anonymous until the code from the mail is shown: whether the
 * address is known shows nowhere. Otherwise a taken address is 409.
 */
export async function upgradeAccount(
  auth: Auth,
  project: Project,
  actor: UserActor,
  credentials: { email: string; password: string },
  device: Device,
): Promise<SessionTokens | null> {
  const { settings } = await auth.settings.of(project)
  if (!settings.password.enabled) throw methodDisabled('password')
  if (!actor.isAnonymous) throw notAnonymous()
  const email = normaliseEmail(credentials.email)
  checkNewPassword(credentials.password, { email })
  const passwordHash = await hashPassword(credentials.password)
  if (settings.password.requireVerifiedEmail) {
    await keepPassword(auth, project, actor.uid, { passwordHash })
    await requestEmailChange(auth, project, actor, email, device)
    return null
  }
  await limitCodeRequests(auth, project, email, device)
  await keepPassword(auth, project, actor.uid, { passwordHash, email, isAnonymous: false })
  const { uid: userId } = actor
  void sendCode(auth, project, { purpose: 'verify_email', email, userId, languages: device.languages })
  return renewProof(auth, project, actor, ['pwd'])
}

/** One conditional UPDATE: nobody is upgraded twice. */
async function keepPassword(
  auth: Auth,
  project: Project,
  uid: string,
  data: { passwordHash: string; email?: string; isAnonymous?: boolean },
): Promise<void> {
  const { control } = auth.services
  const user = await control.user.findUnique({ where: { id: uid, projectId: project.id } })
  if (user === null) throw notSignedIn()
  await auth.hooks.beforeSignUp(project, { ...user, ...data })
  try {
    const { count } = await control.user.updateMany({ where: { id: uid, isAnonymous: true }, data })
    if (count === 0) throw notAnonymous()
  } catch (error) {
    if (sqlState(error) === '23505') throw emailTaken()
    throw error
  }
}

function notAnonymous(): ApiError {
  return new ApiError('conflict', 'This account is not anonymous (any more).')
}
