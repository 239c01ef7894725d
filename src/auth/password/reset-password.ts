import { hashPassword } from '../../platform/passwords.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { limitCodeRequests } from '../codes/limit-codes.ts'
import { openLink } from '../codes/link-token.ts'
import { useSecret } from '../codes/one-time-codes.ts'
import { makeAndSendCode } from '../codes/send-code.ts'
import type { ShownCode } from '../codes/shown-code.ts'
import type { Device } from '../device.ts'
import { codeInvalid, methodDisabled } from '../errors.ts'
import { endSessions } from '../sessions/end-sessions.ts'
import { normaliseEmail } from '../users/create-user.ts'
import { findUserByEmail } from '../users/find-user.ts'
import { dropWaysIn, hasProvenAddress } from '../users/prove-address.ts'
import { tellPasswordChanged } from './change-password.ts'
import { checkNewPassword } from './check-password.ts'
import { limitSignIns } from './sign-in.ts'

/** Sends a code and a link to the address if it has an account. The answer is the same, and as fast, if not. */
export async function requestPasswordReset(
  auth: Auth,
  project: Project,
  address: string,
  device: Device,
): Promise<void> {
  const { settings } = await auth.settings.of(project)
  if (!settings.password.enabled) throw methodDisabled('password')
  const email = normaliseEmail(address)
  await limitCodeRequests(auth, project, email, device)
  auth.behind.run('reset', async () => {
    const user = await findUserByEmail(auth.services.db, project, email)
    if (user === null) return
    const { languages } = device
    await makeAndSendCode(auth, project, { purpose: 'reset_password', email, userId: user.id, languages })
  })
}

/**
 * Sets a new password for whoever shows the code; of many parallel uses one succeeds. All sessions end. The mail that
 * brought the code proves the address: what somebody who never proved it left behind goes.
 */
export async function confirmPasswordReset(
  auth: Auth,
  project: Project,
  shown: ShownCode,
  password: string,
  device: Device,
): Promise<void> {
  const { settings } = await auth.settings.of(project)
  if (!settings.password.enabled) throw methodDisabled('password')
  const { target: email, code } =
    'token' in shown
      ? openLink(auth, project, ['reset_password'], shown.token)
      : { target: normaliseEmail(shown.email), code: shown.code }
  checkNewPassword(password, { email })
  await limitSignIns(auth, project, email, device)
  // First the code, then the hash: guessing must not cost us more than it costs the guesser.
  const { userId } = await useSecret(auth.services.control, project, 'reset_password', email, code)
  if (userId === null) throw codeInvalid()
  const passwordHash = await hashPassword(password)
  await auth.services.control.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT FROM basalt.users WHERE id = ${userId} FOR UPDATE`
    const user = await tx.user.findUnique({ where: { id: userId } })
    // The address was changed after the mail was sent.
    if (user === null || user.email !== email) throw codeInvalid()
    if (!hasProvenAddress(user)) await dropWaysIn(tx, userId)
    await endSessions(tx, userId, 'all')
    const emailVerifiedAt = user.emailVerifiedAt ?? new Date()
    await tx.user.update({ where: { id: userId }, data: { passwordHash, emailVerifiedAt } })
  })
  auth.sessions.userChanged(userId)
  tellPasswordChanged(auth, project, email, device)
}
