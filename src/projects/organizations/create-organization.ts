import type { Organization } from '../../platform/generated/client.ts'
import { newId } from '../../platform/ids.ts'
import type { Services } from '../../platform/services.ts'
import type { OperatorActor } from '../actor.ts'
import type { Projects } from '../projects.ts'
import { type AuditSource, recordAudit } from '../record-audit.ts'

/** Who creates it owns it. */
export async function createOrganization(
  { control }: Services,
  projects: Projects,
  actor: OperatorActor,
  name: string,
  request: AuditSource,
): Promise<Organization> {
  const organization = await control.$transaction(async (tx) => {
    const created = await tx.organization.create({
      data: {
        id: newId(),
        name,
        memberships: { create: { operatorId: actor.operatorId, role: 'owner' } },
      },
    })
    await recordAudit(tx, {
      actor,
      action: 'organization.create',
      target: created.id,
      organizationId: created.id,
      detail: { name },
      request,
    })
    return created
  })
  projects.credentials.operatorChanged(actor.operatorId)
  return organization
}
