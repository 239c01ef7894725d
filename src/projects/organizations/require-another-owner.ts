import { ApiError } from '../../platform/errors.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'

/** Throws `conflict` when nobody else owns the organization. Call it with the organization locked. */
export async function requireAnotherOwner(
  tx: ControlPlaneTransaction,
  organizationId: string,
  operatorId: string,
): Promise<void> {
  const others = await tx.membership.count({
    where: { organizationId, role: 'owner', operatorId: { not: operatorId } },
  })
  if (others === 0)
    throw new ApiError('conflict', 'The last owner must stay; make somebody else owner first.')
}
