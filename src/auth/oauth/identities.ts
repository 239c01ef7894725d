import type { User, UserIdentity } from '../../platform/generated/client.ts'
import { newId } from '../../platform/ids.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
import { lockUserById } from '../users/lock-user-by-id.ts'
import type { ProvenAccount } from './exchange-code.ts'

/** One at a time for each account at a provider: of two first sign-ins at once, the second finds the first's user. */
export async function lockIdentity(
  tx: ControlPlaneTransaction,
  project: Project,
  { provider, account }: ProvenAccount,
): Promise<void> {
  const key = `identity ${project.id} ${provider} ${account.subject}`
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${key}, 0))`
}

/** Whom the account signs in; null for nobody. Their row is locked. */
export async function findOwner(
  tx: ControlPlaneTransaction,
  project: Project,
  { provider, account: { subject } }: ProvenAccount,
): Promise<{ identity: UserIdentity; user: User } | null> {
  const where = { projectId_provider_subject: { projectId: project.id, provider, subject } }
  const seen = await tx.userIdentity.findUnique({ where })
  if (seen === null) return null
  const user = await lockUserById(tx, seen.userId)
  // It may have been taken from them just before.
  const identity = await tx.userIdentity.findUnique({ where })
  return user === null || identity?.userId !== user.id ? null : { identity, user }
}

export async function addIdentity(
  tx: ControlPlaneTransaction,
  project: Project,
  userId: string,
  { provider, account: { subject, email } }: ProvenAccount,
): Promise<UserIdentity> {
  return tx.userIdentity.create({
    data: { id: newId(), projectId: project.id, userId, provider, subject, email },
  })
}
