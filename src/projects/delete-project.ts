import type { Services } from '../platform/services.ts'
import { quoteName } from '../platform/sql.ts'
import type { OperatorActor } from './actor.ts'
import { ddlTransaction } from './create-project.ts'
import { type Project, projectSchema } from './project.ts'
import type { Projects } from './projects.ts'
import { type AuditSource, recordAudit } from './record-audit.ts'

/**
 * Removes the project and everything in it, for ever; its ref is never given again.
 * All or nothing: if a long statement of the project is in the way, the caller tries again later.
 */
export async function deleteProject(
  { control }: Services,
  projects: Projects,
  actor: OperatorActor,
  project: Project,
  request: AuditSource,
): Promise<void> {
  const { id, ref, organizationId } = project
  // Nodes that read it again before the commit still find it, so they are told once more after it.
  projects.changed(ref)
  await control.$transaction(async (tx) => {
    const run = (sql: string): Promise<number> => tx.$executeRawUnsafe(sql)
    await run(`SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '30s'`)
    await tx.project.deleteMany({ where: { id } })
    await projects.runDeleteHooks(run, project)
    await run(`DROP SCHEMA IF EXISTS ${quoteName(projectSchema(project))} CASCADE`)
    await tx.retiredRef.createMany({ data: [{ ref }], skipDuplicates: true })
    await recordAudit(tx, {
      actor,
      action: 'project.delete',
      target: ref,
      organizationId,
      projectId: id,
      detail: { name: project.name },
      request,
    })
  }, ddlTransaction)
  projects.changed(ref)
  projects.credentials.keysChanged(id)
}
