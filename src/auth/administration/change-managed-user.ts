import { sqlState } from '../../platform/database.ts'
import type { Prisma, User } from '../../platform/generated/client.ts'
import { hashPassword } from '../../platform/passwords.ts'
import type { Auth } from '../auth.ts'
import { checkJson, maxBytes } from '../check-json.ts'
import { mergeJson } from '../merge-json.ts'
import { checkNewPassword } from '../password/check-password.ts'
import { endSessions } from '../sessions/end-sessions.ts'
import { normaliseEmail } from '../users/create-user.ts'
import { taken } from './create-managed-user.ts'
import { readManagedUser } from './managed-user.ts'
import { auditUser, type UserChange } from '../users/audit-user.ts'
import type { UserPatch } from './schemas.ts'

/**
 * Profile and claims are merged, the rest is replaced. Who is suspended or gets another password is signed out
 * everywhere; a new address is unverified unless the patch says otherwise, and codes for the old one are void.
 */
export async function changeManagedUser(
  auth: Auth,
  administration: UserChange,
  id: string,
  patch: UserPatch,
): Promise<void> {
  const { password } = patch
  if (password !== undefined) checkNewPassword(password, { email: patch.email ?? null })
  const passwordHash = password === undefined ? undefined : await hashPassword(password)
  try {
    await auth.services.control.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT FROM basalt.users WHERE id = ${id} FOR UPDATE`
      const user = await readManagedUser(tx, administration.project, id)
      const data = changesOf(user, patch)
      await tx.user.update({ where: { id }, data: { ...data, ...(passwordHash && { passwordHash }) } })
      if (passwordHash !== undefined || data.suspendedAt instanceof Date) await endSessions(tx, id, 'all')
      const isReachedElsewhere = data.email !== undefined || data.phone !== undefined
      if (passwordHash !== undefined || isReachedElsewhere) {
        await tx.oneTimeCode.deleteMany({ where: { userId: id } })
      }
      await auditUser(tx, administration, actionOf(patch), id, { changed: Object.keys(patch) })
    })
  } catch (error) {
    if (sqlState(error) === '23505') throw taken(patch.email === undefined ? ['phone'] : ['email'])
    throw error
  }
  auth.sessions.userChanged(id)
}

function actionOf({ suspended }: UserPatch): string {
  if (suspended === undefined) return 'user.change'
  return suspended ? 'user.suspend' : 'user.reinstate'
}

function changesOf(user: User, patch: UserPatch): Prisma.UserUpdateInput {
  const { roles, suspended } = patch
  return {
    ...addressOf(user, patch),
    ...numberOf(user, patch),
    ...(patch.profile && { profile: merged(user.profile, patch.profile, 'profile') }),
    ...(patch.claims && { claims: merged(user.claims, patch.claims, 'claims') }),
    ...(roles && { roles }),
    ...(suspended !== undefined && { suspendedAt: suspended ? (user.suspendedAt ?? new Date()) : null }),
  }
}

function addressOf(user: User, patch: UserPatch): Prisma.UserUpdateInput {
  const email = typeof patch.email === 'string' ? normaliseEmail(patch.email) : patch.email
  const isOther = email !== undefined && email !== user.email
  const isVerified = patch.isEmailVerified ?? (isOther ? false : undefined)
  const isGone = email === null || (email === undefined && user.email === null)
  return {
    ...(isOther && { email }),
    ...(isOther && email !== null && { isAnonymous: false }),
    ...(isVerified !== undefined && { emailVerifiedAt: isVerified && !isGone ? new Date() : null }),
  }
}

function numberOf(user: User, patch: UserPatch): Prisma.UserUpdateInput {
  const { phone } = patch
  const isOther = phone !== undefined && phone !== user.phone
  const isVerified = patch.isPhoneVerified ?? (isOther ? false : undefined)
  const isGone = phone === null || (phone === undefined && user.phone === null)
  return {
    ...(isOther && { phone }),
    ...(isOther && phone !== null && { isAnonymous: false }),
    ...(isVerified !== undefined && { phoneVerifiedAt: isVerified && !isGone ? new Date() : null }),
  }
}

function merged(
  before: unknown,
  patch: Readonly<Record<string, unknown>>,
  name: 'profile' | 'claims',
): Prisma.InputJsonObject {
  const after = mergeJson(before, patch)
  checkJson(after, name, maxBytes[name])
  return after
}
