import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import { type AuditSource, recordAudit } from '../../projects/record-audit.ts'
import type { Auth } from '../auth.ts'
import { stepUp } from '../factors/step-up.ts'
import { requireFreshProof } from '../require-fresh-proof.ts'

/**
 * Removes the user with sessions, identities and factors, on a fresh proof or the password. What they wrote in the
 * app's collections is the app's matter.
 */
export async function deleteAccount(
  auth: Auth,
  project: Project,
  actor: UserActor,
  password: string | undefined,
  request: AuditSource,
): Promise<void> {
  if (password === undefined) requireFreshProof(actor)
  else await stepUp(auth, project, actor, { password })
  await auth.services.control.$transaction(async (tx) => {
    await tx.user.deleteMany({ where: { id: actor.uid, projectId: project.id } })
    await recordAudit(tx, {
      actor,
      action: 'user.delete',
      target: actor.uid,
      organizationId: project.organizationId,
      projectId: project.id,
      request,
    })
  })
  auth.sessions.userChanged(actor.uid)
}
