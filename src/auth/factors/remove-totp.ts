import { notFound } from '../../platform/errors.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import { type AuditSource, recordAudit } from '../../projects/record-audit.ts'
import type { Auth } from '../auth.ts'
import { requireFreshProof } from '../require-fresh-proof.ts'
import { hasFactor } from './owes-factor.ts'

/** Removes an authenticator app. With the last one the recovery codes go too. */
export async function removeTotp(
  auth: Auth,
  project: Project,
  actor: UserActor,
  id: string,
  request: AuditSource,
): Promise<void> {
  requireFreshProof(actor)
  const { uid } = actor
  await auth.services.control.$transaction(async (tx) => {
    const { count } = await tx.factor.deleteMany({ where: { id, userId: uid, kind: 'totp' } })
    if (count === 0) throw notFound('The factor')
    if (!(await hasFactor(tx, uid))) await tx.factor.deleteMany({ where: { userId: uid } })
    await recordAudit(tx, {
      actor,
      action: 'user.remove_factor',
      target: uid,
      organizationId: project.organizationId,
      projectId: project.id,
      request,
    })
  })
  auth.sessions.userChanged(uid)
}
