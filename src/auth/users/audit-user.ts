import type { Prisma } from '../../platform/generated/client.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Actor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import { type AuditSource, recordAudit } from '../../projects/record-audit.ts'

/** Who changes a user of which project, and from where. */
export interface UserChange<By extends Actor = Actor> {
  project: Project
  actor: By
  request: AuditSource
}

/** Notes in the project's log what was done to a user. */
export async function auditUser(
  tx: ControlPlaneTransaction,
  { project, actor, request }: UserChange,
  action: string,
  target: string,
  detail: Prisma.InputJsonObject = {},
): Promise<void> {
  await recordAudit(tx, {
    actor,
    action,
    target,
    organizationId: project.organizationId,
    projectId: project.id,
    detail,
    request,
  })
}
