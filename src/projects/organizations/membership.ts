import { forbidden, notFound } from '../../platform/errors.ts'
import type { OrganizationRole } from '../../platform/generated/enums.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import { hasRole } from '../roles.ts'

/**
 * Holds the organization until the end of the transaction, so that changes of its members stand in one line:
 * two owners can't remove each other at the same time.
 */
export async function lockOrganization(tx: ControlPlaneTransaction, organizationId: string): Promise<void> {
  await tx.$executeRaw`
    SELECT FROM basalt.organizations
    WHERE id = ${organizationId}
    FOR UPDATE`
}

/** Throws `not_found` for those who are no members. */
export async function memberRole(
  tx: ControlPlaneTransaction,
  organizationId: string,
  operatorId: string,
): Promise<OrganizationRole> {
  const member = await tx.membership.findUnique({
    where: { organizationId_operatorId: { organizationId, operatorId } },
  })
  if (member === null) throw notFound('The member')
  return member.role
}

/** Throws `forbidden` unless `actor` has at least every one of the roles: nobody reaches above their own. */
export function requireAtLeast(actor: OrganizationRole, ...roles: OrganizationRole[]): void {
  for (const role of roles) {
    if (!hasRole(actor, role)) throw forbidden(`This needs the role ${role}.`)
  }
}
