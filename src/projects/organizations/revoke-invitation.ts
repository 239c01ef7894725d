import { notFound } from '../../platform/errors.ts'
import type { Services } from '../../platform/services.ts'
import type { OperatorActor } from '../actor.ts'
import { type AuditSource, recordAudit } from '../record-audit.ts'

export async function revokeInvitation(
  { control }: Services,
  actor: OperatorActor,
  { organizationId, id }: { organizationId: string; id: string },
  request: AuditSource,
): Promise<void> {
  await control.$transaction(async (tx) => {
    const { count } = await tx.invitation.deleteMany({ where: { id, organizationId } })
    if (count === 0) throw notFound('The invitation')
    await recordAudit(tx, { actor, action: 'invitation.revoke', target: id, organizationId, request })
  })
}
