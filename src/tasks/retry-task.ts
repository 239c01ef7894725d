import type { Actor } from '../projects/actor.ts'
import type { Project } from '../projects/project.ts'
import { type AuditSource, recordAudit } from '../projects/record-audit.ts'
import { taskNotRetryable } from './errors.ts'
import { getTask } from './list-tasks.ts'
import type { DetailRow } from './present-task.ts'
import type { Tasks } from './tasks.ts'

/** Begins a task anew that is dead or was cancelled, at once and with all its attempts. Throws 409 for any other. */
export async function retryTask(
  tasks: Tasks,
  { project, actor }: { project: Project; actor: Actor },
  id: string,
  request: AuditSource,
): Promise<DetailRow> {
  const { db, control } = tasks.services
  await tasks.checkQuota(project.id, 1)
  const isRetried = await control.$transaction(async (tx) => {
    const count = await tx.$executeRaw`
      UPDATE basalt.tasks
      SET state = 'waiting',
          attempt = 0,
          run_at = now(),
          started_at = NULL,
          finished_at = NULL,
          cancel_requested_at = NULL,
          progress = NULL
      WHERE project_id = ${project.id}
        AND id = ${id}
        AND state IN ('dead', 'cancelled')`
    if (count === 0) return false
    await recordAudit(tx, {
      actor,
      action: 'task.retry',
      target: id,
      organizationId: project.organizationId,
      projectId: project.id,
      request,
    })
    return true
  })
  if (isRetried) tasks.wake(project)
  const task = await getTask(db, project, id)
  if (!isRetried) throw taskNotRetryable(id)
  return task
}
