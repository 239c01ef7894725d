import { newId } from '../../platform/ids.ts'
import type { Operator } from '../../platform/generated/client.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'

/** E-mail addresses are compared without case, as every provider that matters does. */
export function normaliseEmail(email: string): string {
  return email.trim().toLowerCase()
}

/** Null if an operator has this e-mail already. */
export async function createOperator(
  tx: ControlPlaneTransaction,
  data: { email: string; name: string; passwordHash: string },
): Promise<Operator | null> {
  const id = newId()
  const email = normaliseEmail(data.email)
  const { count } = await tx.operator.createMany({ data: [{ ...data, email, id }], skipDuplicates: true })
  return count === 0 ? null : tx.operator.findUnique({ where: { id } })
}

/** The first operator owns what the first start made before there was anybody. */
export async function adoptOrganizations(tx: ControlPlaneTransaction, operatorId: string): Promise<void> {
  const orphans = await tx.organization.findMany({
    where: { memberships: { none: {} } },
    select: { id: true },
  })
  await tx.membership.createMany({
    data: orphans.map(({ id }) => ({ organizationId: id, operatorId, role: 'owner' as const })),
    skipDuplicates: true,
  })
}
