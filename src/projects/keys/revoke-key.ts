import { notFound } from '../../platform/errors.ts'
import type { Services } from '../../platform/services.ts'
import type { Actor } from '../actor.ts'
import type { Project } from '../project.ts'
import type { Projects } from '../projects.ts'
import { type AuditSource, recordAudit } from '../record-audit.ts'

/** The key is dead on this node when this resolves, and on the others within moments. */
export async function revokeKey(
  { control }: Services,
  projects: Projects,
  { project, actor }: { project: Project; actor: Actor },
  keyId: string,
  request: AuditSource,
): Promise<void> {
  await control.$transaction(async (tx) => {
    const { count } = await tx.apiKey.deleteMany({ where: { id: keyId, projectId: project.id } })
    if (count === 0) throw notFound('The key')
    await recordAudit(tx, {
      actor,
      action: 'key.revoke',
      target: keyId,
      organizationId: project.organizationId,
      projectId: project.id,
      request,
    })
  })
  projects.credentials.keysChanged(project.id)
}
