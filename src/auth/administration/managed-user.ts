import type { Prisma } from '../../platform/generated/client.ts'
import { notFound } from '../../platform/errors.ts'
import type { ControlPlane, ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
import { presentUser } from '../present-user.ts'

/** What is read with a user to show one to servers and operators. */
export const withDetails = {
  identities: { select: { id: true, provider: true, subject: true, email: true }, orderBy: { id: 'asc' } },
  factors: { where: { kind: 'totp', confirmedAt: { not: null } }, select: { id: true } },
} as const

type DetailedUser = Prisma.UserGetPayload<{ include: typeof withDetails }>

/** A user as servers and operators see one. No hash, no secret. */
export function presentManagedUser(user: DetailedUser) {
  return {
    ...presentUser(user),
    suspendedAt: user.suspendedAt?.toISOString() ?? null,
    hasPassword: user.passwordHash !== null,
    hasSecondFactor: user.factors.length > 0,
    identities: user.identities,
  }
}

/** Throws 404 also for a user of another project. */
export async function readManagedUser(
  db: ControlPlane | ControlPlaneTransaction,
  project: Project,
  id: string,
): Promise<DetailedUser> {
  const user = await db.user.findUnique({ where: { id, projectId: project.id }, include: withDetails })
  if (user === null) throw notFound('The user')
  return user
}
