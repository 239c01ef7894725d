import { forbidden, notFound } from '../platform/errors.ts'
import type { ControlPlaneTransaction } from '../platform/prisma.ts'
import { hasRole } from './roles.ts'

/**
 * The organization that a new project goes into: the one that was named, or the operator's oldest in which they
 * may. Throws `not_found` for organizations of others, `forbidden` without the role admin.
 */
export async function chooseOrganization(
  tx: ControlPlaneTransaction,
  operatorId: string,
  organizationId: string | undefined,
): Promise<string> {
  const memberships = await tx.membership.findMany({
    where: { operatorId, ...(organizationId !== undefined && { organizationId }) },
    orderBy: { organizationId: 'asc' },
  })
  if (organizationId !== undefined && memberships.length === 0) throw notFound('The organization')
  const membership = memberships.find(({ role }) => hasRole(role, 'admin'))
  if (membership === undefined)
    throw forbidden('Creating a project needs the role admin in its organization.')
  return membership.organizationId
}
