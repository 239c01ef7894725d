import { ApiError } from '../../platform/errors.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { limitCodeRequests } from '../codes/limit-codes.ts'
import { openLink } from '../codes/link-token.ts'
import { type CodePurpose, type UsedSecret, useSecret } from '../codes/one-time-codes.ts'
import { makeAndSendCode } from '../codes/send-code.ts'
import type { ShownCode } from '../codes/shown-code.ts'
import type { Device } from '../device.ts'
import { codeInvalid } from '../errors.ts'
import { limitSignIns } from '../password/sign-in.ts'
import { normaliseEmail } from '../users/create-user.ts'
import { findUserByEmail } from '../users/find-user.ts'
import { dropWaysIn, hasProvenAddress, lockUser, releaseAddress } from '../users/prove-address.ts'

/** Sends the code once more, if there is an account with this address that has not been verified. */
export async function resendVerification(
  auth: Auth,
  project: Project,
  address: string,
  device: Device,
): Promise<void> {
  const email = normaliseEmail(address)
  await limitCodeRequests(auth, project, email, device)
  auth.behind.run('verify e-mail', async () => {
    const user = await findUserByEmail(auth.services.db, project, email)
    if (user === null || user.emailVerifiedAt !== null) return
    const { languages } = device
    await makeAndSendCode(auth, project, { purpose: 'verify_email', email, userId: user.id, languages })
  })
}

const purposes = ['verify_email', 'change_email'] as const

/** Marks an address as its user's: the one that they signed up with, or the one that they change to. */
export async function verifyEmail(
  auth: Auth,
  project: Project,
  shown: ShownCode,
  device: Device,
): Promise<void> {
  const { purpose, email, userId } = await useEmailCode(auth, project, shown, device)
  if (userId === null) throw codeInvalid()
  const formerHolder = await auth.services.control.$transaction(async (tx) => {
    const holder = await lockUser(tx, project, { email })
    const isOther = holder !== null && holder.id !== userId
    if (isOther && holder.emailVerifiedAt !== null) {
      throw new ApiError('already_exists', 'There is an account with this e-mail already.')
    }
    if (isOther) {
      if (!hasProvenAddress(holder)) await dropWaysIn(tx, holder.id)
      await releaseAddress(tx, holder.id, { email })
    }
    const { count } = await tx.user.updateMany({
      // An old code must not bring back an address that the user has left.
      where: { id: userId, projectId: project.id, ...(purpose === 'verify_email' && { email }) },
      data: { email, emailVerifiedAt: new Date(), isAnonymous: false },
    })
    if (count === 0) throw codeInvalid()
    return isOther ? holder.id : null
  })
  auth.sessions.userChanged(userId)
  if (formerHolder !== null) auth.sessions.userChanged(formerHolder)
}

async function useEmailCode(
  auth: Auth,
  project: Project,
  shown: ShownCode,
  device: Device,
): Promise<UsedSecret & { email: string; purpose: (typeof purposes)[number] }> {
  if ('token' in shown) {
    const { purpose, target, code } = openLink(auth, project, purposes, shown.token)
    const used = await useSecret(auth.services.control, project, purpose, target, code)
    return { ...used, purpose, email: target }
  }
  const email = normaliseEmail(shown.email)
  await limitSignIns(auth, project, email, device)
  const first = await attempt(auth, project, 'verify_email', email, shown.code)
  if (first !== null) return { ...first, purpose: 'verify_email', email }
  const second = await useSecret(auth.services.control, project, 'change_email', email, shown.code)
  return { ...second, purpose: 'change_email', email }
}

async function attempt(
  auth: Auth,
  project: Project,
  purpose: CodePurpose,
  target: string,
  code: string,
): Promise<UsedSecret | null> {
  try {
    return await useSecret(auth.services.control, project, purpose, target, code)
  } catch (error) {
    if (error instanceof ApiError && error.code === 'code_invalid') return null
    throw error
  }
}
