import type { OrganizationRole } from '../../platform/generated/enums.ts'
import type { Services } from '../../platform/services.ts'
import type { OperatorActor } from '../actor.ts'
import type { Projects } from '../projects.ts'
import { type AuditSource, recordAudit } from '../record-audit.ts'
import { requireAnotherOwner } from './require-another-owner.ts'
import { lockOrganization, memberRole, requireAtLeast } from './membership.ts'

/** Throws `forbidden` when the old or the new role is above the actor's own, `conflict` for the last owner. */
export async function changeMemberRole(
  { control }: Services,
  projects: Projects,
  actor: OperatorActor,
  input: { organizationId: string; operatorId: string; role: OrganizationRole },
  request: AuditSource,
): Promise<void> {
  const { organizationId, operatorId, role } = input
  await control.$transaction(async (tx) => {
    await lockOrganization(tx, organizationId)
    const own = await memberRole(tx, organizationId, actor.operatorId)
    const before = await memberRole(tx, organizationId, operatorId)
    requireAtLeast(own, 'admin', before, role)
    if (before === 'owner' && role !== 'owner') await requireAnotherOwner(tx, organizationId, operatorId)
    await tx.membership.update({
      where: { organizationId_operatorId: { organizationId, operatorId } },
      data: { role },
    })
    await recordAudit(tx, {
      actor,
      action: 'member.change_role',
      target: operatorId,
      organizationId,
      detail: { before, after: role },
      request,
    })
  })
  projects.credentials.operatorChanged(operatorId)
}
