import type { Actor } from '../projects/actor.ts'
import type { Project } from '../projects/project.ts'
import type { AuditSource } from '../projects/record-audit.ts'
import { recordAudit } from '../projects/record-audit.ts'
import { taskHasEnded } from './errors.ts'
import { getTask } from './list-tasks.ts'
import type { DetailRow } from './present-task.ts'
import type { Tasks } from './tasks.ts'

/**
 * Cancels a task: at once if it has not started; else its run is told to end, wherever it is, and it is cancelled when
 * it has. A run that succeeds all the same has succeeded. Throws 409 when it has ended.
 */
export async function cancelTask(
  tasks: Tasks,
  { project, actor }: { project: Project; actor: Actor },
  id: string,
  request: AuditSource,
): Promise<DetailRow> {
  const { db, control } = tasks.services
  const state = await control.$transaction(async (tx) => {
    const [row] = await tx.$queryRaw<{ state: string }[]>`
      UPDATE basalt.tasks
      SET state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END,
          finished_at = CASE WHEN state = 'running' THEN NULL ELSE now() END,
          held_key = NULL,
          cancel_requested_at = coalesce(cancel_requested_at, now())
      WHERE project_id = ${project.id}
        AND id = ${id}
        AND state IN ('scheduled', 'waiting', 'ready', 'running')
      RETURNING state`
    if (row === undefined) return undefined
    await recordAudit(tx, {
      actor,
      action: 'task.cancel',
      target: id,
      organizationId: project.organizationId,
      projectId: project.id,
      request,
    })
    return row.state
  })
  if (state === 'running') tasks.cancelRun(project, id)
  // It may have been with the worker, where it left a place.
  else if (state !== undefined) tasks.wake(project)
  const task = await getTask(db, project, id)
  if (state === undefined) throw taskHasEnded(id)
  return task
}
