import type { Queryable } from '../platform/database.ts'
import type { Services } from '../platform/services.ts'
import type { Project } from '../projects/project.ts'
import type { Projects } from '../projects/projects.ts'
import { createAdmitter } from './admit-tasks.ts'
import { type CheckQuota, createQuota } from './check-quota.ts'
import { enqueueInControl, enqueueJson, taskToJson } from './enqueue-tasks.ts'
import type { ControlPlaneTransaction } from '../platform/prisma.ts'
import type { ScheduleBody } from './schedules/schedule.ts'
import { setQueue } from './queues/put-queue.ts'
import { setSchedule } from './schedules/put-schedule.ts'
import { startDispatchingSchedules } from './schedules/dispatch-schedules.ts'
import { startSweeping } from './sweep.ts'
import type { NewTask, TaskHandler } from './task.ts'
import { createTaskMetrics } from './task-metrics.ts'
import { createWorker } from './worker.ts'

/** Work in the background: at least once, also if servers die; later, if it failed; and fair to all projects. */
export interface Tasks {
  readonly services: Services
  /** Says what runs tasks of a kind, instead of what was said before. */
  handle(kind: string, handler: TaskHandler): void
  /**
   * Enqueues tasks in the caller's transaction, so that they are there if and only if it commits; answers their ids.
   * Call `wake` after COMMIT, and before all this `checkQuota`.
   */
  enqueue(tx: Queryable, project: Pick<Project, 'id'>, tasks: NewTask[]): Promise<string[]>
  /** The same in a transaction of the control plane, for tasks that name no queue and no key. */
  enqueueInControl(
    tx: ControlPlaneTransaction,
    project: Pick<Project, 'id'>,
    tasks: Omit<NewTask, 'queue' | 'key' | 'replaces'>[],
  ): Promise<void>
  /** After COMMIT: the project has tasks that may be due. */
  wake(project: Pick<Project, 'id'>): void
  readonly checkQuota: CheckQuota
  /**
   * The queue of a task that is enqueued by its name and names none; undefined: `default`. Another feature puts its own
   * here.
   */
  queueFor: (project: Pick<Project, 'id'>, name: string) => Promise<string | undefined>
  /** Says how many tasks of a queue run at once, within a larger change. Throws `quota_exceeded` for one queue too many. */
  setConcurrency(
    tx: ControlPlaneTransaction,
    project: Pick<Project, 'id'>,
    queue: string,
    concurrency: number,
  ): Promise<void>
  /** Makes or changes a schedule within a larger change, such as a deployment; `kind` says who runs its tasks. */
  setSchedule(
    tx: ControlPlaneTransaction,
    project: Project,
    name: string,
    kind: string,
    schedule: ScheduleBody,
  ): Promise<void>
  /** After COMMIT: ends a run on whichever node it is. */
  cancelRun(project: Pick<Project, 'id'>, id: string): void
  /** Begins to run tasks. */
  start(): void
  /** Lets runs end for some seconds, and gives back what did not. */
  stop(): Promise<void>
}

/** The bus's topic for runs to be cancelled: the project's id and the task's. */
const cancelTopic = 'tasks.cancel'

export function createTasks(services: Services, projects: Projects): Tasks {
  const { bus, metrics: allMetrics } = services
  const metrics = createTaskMetrics(allMetrics.registry)
  const handlers = new Map<string, TaskHandler>()
  const admitter = createAdmitter(services)
  const worker = createWorker(services, projects, handlers, admitter, metrics)
  const stops: (() => Promise<void>)[] = []

  bus.subscribe(cancelTopic, (payload) => {
    const [projectId = '', id = ''] = payload.split(' ')
    worker.abort(projectId, id, 'cancelled')
  })

  const tasks: Tasks = {
    services,
    checkQuota: createQuota(services),
    handle(kind, handler) {
      handlers.set(kind, handler)
    },
    async enqueue(tx, project, newTasks) {
      const standing = await enqueueJson(
        tx,
        project.id,
        newTasks.map((task) => taskToJson(task)),
      )
      metrics.enqueued.inc(newTasks.length)
      return standing.map(({ id }) => id)
    },
    async enqueueInControl(tx, project, newTasks) {
      await enqueueInControl(
        tx,
        project.id,
        newTasks.map((task) => taskToJson(task)),
      )
      metrics.enqueued.inc(newTasks.length)
    },
    queueFor: () => Promise.resolve(undefined),
    setConcurrency: (tx, { id }, queue, concurrency) =>
      setQueue(tx, id, queue, { concurrency }).then(() => undefined),
    async setSchedule(tx, project, name, kind, schedule) {
      await setSchedule(services, tx, project, name, kind, schedule)
    },
    wake: (project) => admitter.wake(project.id),
    cancelRun: (project, id) => bus.publish(cancelTopic, `${project.id} ${id}`),
    start() {
      worker.start()
      stops.push(startSweeping(services, admitter, metrics))
      stops.push(startDispatchingSchedules(tasks, metrics))
    },
    async stop() {
      await Promise.all(stops.splice(0).map((stop) => stop()))
      await worker.stop()
      await admitter.stop()
    },
  }
  return tasks
}
