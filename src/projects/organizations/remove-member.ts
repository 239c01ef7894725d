import type { Services } from '../../platform/services.ts'
import type { OperatorActor } from '../actor.ts'
import type { Projects } from '../projects.ts'
import { type AuditSource, recordAudit } from '../record-audit.ts'
import { lockOrganization, memberRole, requireAtLeast } from './membership.ts'
import { requireAnotherOwner } from './require-another-owner.ts'

/** Everybody may leave; removing others takes an admin of at least their role. `conflict` for the last owner. */
export async function removeMember(
  { control }: Services,
  projects: Projects,
  actor: OperatorActor,
  { organizationId, operatorId }: { organizationId: string; operatorId: string },
  request: AuditSource,
): Promise<void> {
  await control.$transaction(async (tx) => {
    await lockOrganization(tx, organizationId)
    const own = await memberRole(tx, organizationId, actor.operatorId)
    if (operatorId !== actor.operatorId) requireAtLeast(own, 'admin')
    const role = await memberRole(tx, organizationId, operatorId)
    requireAtLeast(own, role)
    if (role === 'owner') await requireAnotherOwner(tx, organizationId, operatorId)
    await tx.membership.delete({ where: { organizationId_operatorId: { organizationId, operatorId } } })
    await recordAudit(tx, {
      actor,
      action: 'member.remove',
      target: operatorId,
      organizationId,
      detail: { role },
      request,
    })
  })
  projects.credentials.operatorChanged(operatorId)
}
