import { payloadTooLarge } from '../../platform/errors.ts'
import type { TaskSchedule } from '../../platform/generated/client.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Services } from '../../platform/services.ts'
import type { Actor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import { type AuditSource, recordAudit } from '../../projects/record-audit.ts'
import { requireStorable } from '../enqueue-tasks.ts'
import { scheduleNotFound, tooManySchedules } from '../errors.ts'
import { checkClock, nextRun } from './cron.ts'
import type { ScheduleBody } from './schedule.ts'

/** Makes or changes a schedule, and says so in the audit log. Throws 400, 413 or `quota_exceeded`. */
export async function putSchedule(
  services: Services,
  { project, actor }: { project: Project; actor: Actor },
  name: string,
  body: ScheduleBody,
  request: AuditSource,
): Promise<TaskSchedule> {
  return services.control.$transaction(async (tx) => {
    const row = await setSchedule(services, tx, project, name, 'function', body)
    await recordAudit(tx, {
      actor,
      action: 'schedule.put',
      target: name,
      organizationId: project.organizationId,
      projectId: project.id,
      detail: { cron: row.cron, timeZone: row.timeZone },
      request,
    })
    return row
  })
}

/**
 * The same within a larger change, such as a deployment.
 *
 * @param kind who runs the tasks
 */
export async function setSchedule(
  { config }: Services,
  tx: ControlPlaneTransaction,
  project: Project,
  name: string,
  kind: string,
  body: ScheduleBody,
): Promise<TaskSchedule> {
  const { cron, timeZone = 'UTC', catchUp = 'skip', paused = false } = body
  checkClock({ cron, timeZone })
  const task = checkTask(body, config.limits.taskPayloadBytes)
  const where = { projectId_name: { projectId: project.id, name } }
  const now = new Date()
  const earlier = await tx.taskSchedule.findUnique({ where })
  if (earlier === null) {
    const count = await tx.taskSchedule.count({ where: { projectId: project.id } })
    if (count >= config.limits.schedulesByProject) throw tooManySchedules(config.limits.schedulesByProject)
  }
  const isSameClock = earlier?.cron === cron && earlier.timeZone === timeZone && !earlier.isPaused
  const nextRunAt = isSameClock ? earlier.nextRunAt : (nextRun({ cron, timeZone }, now) ?? now)
  const data = { kind, cron, timeZone, task, catchUp, isPaused: paused, nextRunAt }
  return tx.taskSchedule.upsert({ where, create: { projectId: project.id, name, ...data }, update: data })
}

function checkTask({ task }: ScheduleBody, maxBytes: number): object {
  const text = JSON.stringify(task.payload ?? null)
  if (Buffer.byteLength(text) > maxBytes) {
    throw payloadTooLarge(`A task's payload holds at most ${maxBytes} bytes of JSON.`)
  }
  requireStorable(text, 'task.payload')
  return task
}

/** Throws 404. */
export async function deleteSchedule(
  { control }: Services,
  { project, actor }: { project: Project; actor: Actor },
  name: string,
  request: AuditSource,
): Promise<void> {
  await control.$transaction(async (tx) => {
    const { count } = await tx.taskSchedule.deleteMany({ where: { projectId: project.id, name } })
    if (count === 0) throw scheduleNotFound(name)
    await recordAudit(tx, {
      actor,
      action: 'schedule.delete',
      target: name,
      organizationId: project.organizationId,
      projectId: project.id,
      request,
    })
  })
}
