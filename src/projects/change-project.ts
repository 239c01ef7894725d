import { notFound } from '../platform/errors.ts'
import type { Project as ProjectRow } from '../platform/generated/client.ts'
import type { Services } from '../platform/services.ts'
import type { Actor } from './actor.ts'
import type { Project } from './project.ts'
import { checkSettings, mergeSettings, type SettingsPatch, storedSettings } from './project-settings.ts'
import type { Projects } from './projects.ts'
import { type AuditSource, recordAudit } from './record-audit.ts'

/**
 * Merges the settings, group by group; what the patch doesn't name stays.
 * With `dryRun` it only tells what the project would be.
 */
export async function changeProject(
  { config, control }: Services,
  projects: Projects,
  { project, actor }: { project: Project; actor: Actor },
  patch: { name?: string; settings?: SettingsPatch },
  { dryRun, request }: { dryRun: boolean; request: AuditSource },
): Promise<ProjectRow> {
  checkSettings(patch.settings ?? {}, config)
  const { id } = project
  const changed = await control.$transaction(async (tx) => {
    // Two patches at once must both last.
    await tx.$executeRaw`SELECT FROM basalt.projects WHERE id = ${id} FOR UPDATE`
    const row = await tx.project.findUnique({ where: { id } })
    if (row === null) throw notFound('The project')
    const settings = mergeSettings(storedSettings(row.settings), patch.settings ?? {})
    const data = { name: patch.name ?? row.name, settings }
    if (dryRun) return { ...row, ...data }
    await recordAudit(tx, {
      actor,
      action: 'project.change',
      target: project.ref,
      organizationId: project.organizationId,
      projectId: id,
      detail: { ...patch },
      request,
    })
    return tx.project.update({ where: { id }, data })
  })
  if (!dryRun) projects.changed(project.ref)
  return changed
}
