import type { User } from '../../platform/generated/client.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { createUser, normaliseEmail } from './create-user.ts'

/** What somebody has proven to be theirs: a code that was sent there, or a provider's word. */
export type ProvenAddress = { email: string } | { phone: string }

/**
 * The user to whom a proven address belongs; made when there is none. Whoever claimed the address before and never
 * proved it loses it: an account with another proven address gives up this one, and of an account with none all ways
 * in go (password, identities, passkeys, factors, sessions), since they were somebody else's. After COMMIT call
 * `auth.sessions.userChanged(user.id)`.
 *
 * An anonymous user who proves a new address is given it, and keeps id and data.
 */
export async function userOfProvenAddress(
  auth: Auth,
  tx: ControlPlaneTransaction,
  project: Project,
  address: ProvenAddress,
  anonymousId?: string,
): Promise<{ user: User; isNew: boolean }> {
  const key = 'email' in address ? { email: normaliseEmail(address.email) } : { phone: address.phone }
  const found = await lockUser(tx, project, key)
  if (found !== null && isProven(found, key)) return { user: found, isNew: false }
  const now = new Date()
  const proof = 'email' in key ? { emailVerifiedAt: now } : { phoneVerifiedAt: now }
  if (found !== null && !hasProvenAddress(found)) {
    await dropWaysIn(tx, found.id)
    const data = { ...proof, passwordHash: null, isAnonymous: false }
    return { user: await tx.user.update({ where: { id: found.id }, data }), isNew: false }
  }
  if (found !== null) await releaseAddress(tx, found.id, key)
  const upgraded =
    anonymousId === undefined ? null : await upgrade(tx, project, anonymousId, { ...key, ...proof })
  if (upgraded !== null) return { user: upgraded, isNew: false }
  const user = await createUser(auth, tx, project, { ...key, ...proof })
  if (user !== null) return { user, isNew: true }
  // Somebody proved it at the same moment: they are the same person.
  const other = await lockUser(tx, project, key)
  if (other === null || !isProven(other, key)) throw new Error('the address was taken and released at once')
  return { user: other, isNew: false }
}

type AddressKey = { email: string } | { phone: string }

/** The user who has the address, proven or not; nobody else changes them until COMMIT. */
export async function lockUser(
  tx: ControlPlaneTransaction,
  project: Project,
  key: AddressKey,
): Promise<User | null> {
  if ('email' in key) {
    await tx.$queryRaw`
      SELECT id FROM basalt.users WHERE project_id = ${project.id} AND email = ${key.email} FOR UPDATE`
    return tx.user.findUnique({ where: { projectId_email: { projectId: project.id, email: key.email } } })
  }
  await tx.$queryRaw`
    SELECT id FROM basalt.users WHERE project_id = ${project.id} AND phone = ${key.phone} FOR UPDATE`
  return tx.user.findUnique({ where: { projectId_phone: { projectId: project.id, phone: key.phone } } })
}

/** All that somebody could sign in with, and who is signed in. The password is for the caller to replace. */
export async function dropWaysIn(tx: ControlPlaneTransaction, userId: string): Promise<void> {
  const theirs = { where: { userId } }
  await tx.userIdentity.deleteMany(theirs)
  await tx.passkey.deleteMany(theirs)
  await tx.factor.deleteMany(theirs)
  await tx.userSession.deleteMany(theirs)
  await tx.oneTimeCode.deleteMany(theirs)
}

export function hasProvenAddress(user: User): boolean {
  return user.emailVerifiedAt !== null || user.phoneVerifiedAt !== null
}

export async function releaseAddress(
  tx: ControlPlaneTransaction,
  userId: string,
  key: AddressKey,
): Promise<void> {
  await tx.user.update({ where: { id: userId }, data: 'email' in key ? { email: null } : { phone: null } })
}

function isProven(user: User, key: AddressKey): boolean {
  return ('email' in key ? user.emailVerifiedAt : user.phoneVerifiedAt) !== null
}

async function upgrade(
  tx: ControlPlaneTransaction,
  project: Project,
  id: string,
  data: { email?: string; phone?: string; emailVerifiedAt?: Date; phoneVerifiedAt?: Date },
): Promise<User | null> {
  const [user] = await tx.user.updateManyAndReturn({
    where: { id, projectId: project.id, isAnonymous: true },
    data: { ...data, isAnonymous: false },
  })
  return user ?? null
}
