import type { Actor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import { type AuditSource, recordAudit } from '../../projects/record-audit.ts'
import type { Functions } from '../functions.ts'
import { release } from './deploy-functions.ts'

interface Activation {
  project: Project
  actor: Actor
  request: AuditSource
  id: string
  /** 1 for all calls; 0 takes the next version out of the traffic again. */
  share: number
}

/** Switches over, on every node; calls under way finish in their version. Whether there is such a deployment. */
export async function activateDeployment(
  functions: Functions,
  { project, actor, request, id, share }: Activation,
): Promise<boolean> {
  const isThere = await functions.services.control.$transaction(async (tx) => {
    const found = await tx.functionDeployment.count({ where: { id, projectId: project.id } })
    if (found === 0) return false
    await release(functions, tx, project, id, share)
    if (share === 0) {
      await tx.functionRelease.updateMany({
        where: { projectId: project.id, nextId: id },
        data: { nextId: null, nextShare: 0 },
      })
    }
    await recordAudit(tx, {
      actor,
      action: 'functions.activate',
      target: id,
      organizationId: project.organizationId,
      projectId: project.id,
      detail: { share },
      request,
    })
    return true
  })
  functions.versions.changed(project.id)
  return isThere
}
