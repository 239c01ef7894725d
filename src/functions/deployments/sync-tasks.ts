import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
import type { Functions } from '../functions.ts'
import type { FunctionEntry } from './function-entry.ts'

/** The kind of the schedules that functions declare, and of their tasks. */
export const scheduleKind = 'function_schedule'

/** Schedules and queues of a project follow from its active version, beside those made through the API. */
export async function syncTasks(
  functions: Functions,
  tx: ControlPlaneTransaction,
  project: Project,
  deploymentId: string,
): Promise<void> {
  const { manifest } = await tx.functionDeployment.findUniqueOrThrow({
    where: { id: deploymentId },
    select: { manifest: true },
  })
  // Written by ourselves, from what was checked when it was deployed.
  const entries = manifest as unknown as FunctionEntry[]
  await syncSchedules(functions, tx, project, entries)
  for (const entry of entries) {
    const { concurrency } = entry.settings
    if (concurrency === undefined || ownQueue(entry) === undefined) continue
    await functions.tasks.setConcurrency(tx, project, entry.name, concurrency)
  }
}

/** Tasks of a function that says how many may run at once wait in a queue of its name, unless they name another. */
export function ownQueue({ kind, name, settings }: FunctionEntry): string | undefined {
  return kind === 'task' && settings.concurrency !== undefined ? name : undefined
}

async function syncSchedules(
  { tasks }: Functions,
  tx: ControlPlaneTransaction,
  project: Project,
  all: readonly FunctionEntry[],
): Promise<void> {
  const entries = all.filter(({ kind }) => kind === 'schedule')
  const names = entries.map(({ name }) => name)
  await tx.taskSchedule.deleteMany({
    where: { projectId: project.id, kind: scheduleKind, name: { notIn: names } },
  })
  for (const { name, settings } of entries) {
    await tasks.setSchedule(tx, project, name, scheduleKind, {
      cron: settings.cron ?? '',
      ...(settings.timezone !== undefined && { timeZone: settings.timezone }),
      catchUp: settings.catchUp === true ? 'all' : 'skip',
      task: { name },
    })
  }
}
