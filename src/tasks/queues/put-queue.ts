import type { Static } from 'typebox'
import { ApiError } from '../../platform/errors.ts'
import type { TaskQueue } from '../../platform/generated/client.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Actor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import { type AuditSource, recordAudit } from '../../projects/record-audit.ts'
import { maxQueues, queueNotEmpty, queueNotFound } from '../errors.ts'
import type { queueBody } from '../schemas.ts'
import type { Tasks } from '../tasks.ts'

/** Sets a queue up, whether it was used already or not. Tasks that run go on when it is paused. */
export async function putQueue(
  tasks: Tasks,
  { project, actor }: { project: Project; actor: Actor },
  name: string,
  { concurrency = null, paused = false }: Static<typeof queueBody>,
  request: AuditSource,
): Promise<TaskQueue> {
  const row = await tasks.services.control.$transaction(async (tx) => {
    const queue = await setQueue(tx, project.id, name, { concurrency, isPaused: paused })
    await recordAudit(tx, {
      actor,
      action: 'task_queue.put',
      target: name,
      organizationId: project.organizationId,
      projectId: project.id,
      detail: { concurrency, paused },
      request,
    })
    return queue
  })
  tasks.wake(project)
  return row
}

/** The same within a larger change. What is not said stays as it is. */
export async function setQueue(
  tx: ControlPlaneTransaction,
  projectId: string,
  name: string,
  data: { concurrency: number | null; isPaused?: boolean },
): Promise<TaskQueue> {
  const where = { projectId, name }
  const isNew = (await tx.taskQueue.count({ where })) === 0
  if (isNew && (await tx.taskQueue.count({ where: { projectId } })) >= maxQueues) {
    throw new ApiError('quota_exceeded', `A project has at most ${maxQueues} queues of tasks.`)
  }
  return tx.taskQueue.upsert({
    where: { projectId_name: where },
    create: { ...where, ...data },
    update: data,
  })
}

/** Throws 404, and 409 while it has tasks that have not ended. */
export async function deleteQueue(
  tasks: Tasks,
  { project, actor }: { project: Project; actor: Actor },
  name: string,
  request: AuditSource,
): Promise<void> {
  await tasks.services.control.$transaction(async (tx) => {
    const { count } = await tx.taskQueue.deleteMany({ where: { projectId: project.id, name } })
    if (count === 0) throw queueNotFound(name)
    const left = await tx.task.findFirst({
      where: {
        projectId: project.id,
        queue: name,
        state: { in: ['scheduled', 'waiting', 'ready', 'running'] },
      },
      select: { id: true },
    })
    if (left !== null) throw queueNotEmpty(name)
    await recordAudit(tx, {
      actor,
      action: 'task_queue.delete',
      target: name,
      organizationId: project.organizationId,
      projectId: project.id,
      request,
    })
  })
}
