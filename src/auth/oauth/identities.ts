import type { User, UserIdentity } from '../../platform/generated/client.ts'
import { newId } from '../../platform/ids.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
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

export async function findIdentity(
  tx: ControlPlaneTransaction,
  project: Project,
  { provider, account }: ProvenAccount,
): Promise<(UserIdentity & { user: User }) | null> {
  const { subject } = account
  return tx.userIdentity.findUnique({
    where: { projectId_provider_subject: { projectId: project.id, provider, subject } },
    include: { user: true },
  })
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
