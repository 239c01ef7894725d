import { setTimeout as sleep } from 'node:timers/promises'
import type { Services } from '../platform/services.ts'
import type { Projects } from '../projects/projects.ts'
import type { Admitter } from './admit-tasks.ts'
import { type ClaimedTask, createClaims } from './claim-tasks.ts'
import { createFinisher, type Outcome } from './finish-tasks.ts'
import { startWorkerPool, type WorkerPool } from './graphile.ts'
import { storeProgress } from './store-progress.ts'
import { type AbortReason, runTask } from './run-task.ts'
import type { TaskHandler } from './task.ts'
import type { TaskMetrics } from './task-metrics.ts'
import { type ActiveRun, watchRuns } from './watch-runs.ts'

/** Runs what was admitted, on this node. */
export interface Worker {
  start(): void
  /** Tells a run to end, if it is here. */
  abort(projectId: string, id: string | undefined, reason: AbortReason): void
  /** Lets runs end for some seconds; those that don't are given back, to be begun anew elsewhere. */
  stop(): Promise<void>
}

// Of the 20 seconds that the process has to stop, with 5 more for handlers to hear of it.
const stopWithinMs = 8_000
const restartAfterMs = 1_000

export function createWorker(
  services: Services,
  projects: Projects,
  handlers: ReadonlyMap<string, TaskHandler>,
  admitter: Admitter,
  metrics: TaskMetrics,
): Worker {
  const { backgroundDb: db, config, log, nodes } = services
  const claim = createClaims(db, nodes.id)
  const finish = createFinisher(db, nodes.id)
  const runs = new Map<string, ActiveRun>()
  let pool: WorkerPool | undefined
  let isStopping = false
  let stopWatching = async (): Promise<void> => undefined

  async function work(projectId: string, id: string): Promise<void> {
    const task = await claim(projectId, id)
    if (task === undefined) return
    const started = performance.now()
    metrics.lateness.observe(Math.max(0, Date.now() - task.runAt.getTime()) / 1000)
    metrics.running.inc()
    const outcome = await run(task)
    const isRecorded = await record(task, outcome)
    metrics.running.dec()
    const kind = handlers.has(task.kind) ? task.kind : 'unknown'
    metrics.seconds.observe({ kind }, (performance.now() - started) / 1000)
    metrics.ended.inc({ kind, outcome: isRecorded ? labels[outcome.state] : 'lost' })
    admitter.wake(projectId)
  }

  async function run(task: ClaimedTask): Promise<Outcome> {
    if (isStopping) return { state: 'waiting' }
    const abort = new AbortController()
    const key = keyOf(task.projectId, task.id)
    const active: ActiveRun = {
      projectId: task.projectId,
      id: task.id,
      attempt: task.attempt,
      since: Date.now(),
      abort,
    }
    runs.set(key, active)
    const progress = storeProgress(db, nodes.id, task, log)
    try {
      const project = await projects.byRef(task.projectRef)
      if (project === null) abort.abort('project_deleted' satisfies AbortReason)
      if (project === null) return { state: 'waiting' }
      return await runTask(task, {
        project,
        handler: handlers.get(task.kind),
        abort,
        progress: progress.store,
        log: log.child({ project: task.projectRef, task: task.id, name: task.name, attempt: task.attempt }),
      })
    } finally {
      await progress.end()
      if (runs.get(key) === active) runs.delete(key)
    }
  }

  /** Until PostgreSQL has it. If this process ends before, the others find the task under a node that is gone. */
  async function record(task: ClaimedTask, outcome: Outcome): Promise<boolean> {
    for (let delay = 200; ; delay = Math.min(delay * 2, 5_000)) {
      try {
        return await finish(task, outcome)
      } catch (error) {
        log.warn({ err: error, task: task.id }, 'could not record what became of a task')
        if (isStopping) return false
        await sleep(delay)
      }
    }
  }

  function startPool(): void {
    pool = startWorkerPool(db, log, config.limits.tasksAtOnce, work)
    pool.ended
      .catch((error: unknown) => log.error({ err: error }, 'the worker has ended'))
      .finally(() => {
        // It gives up when the database is away for minutes.
        if (!isStopping) setTimeout(() => !isStopping && startPool(), restartAfterMs).unref()
      })
      .catch(() => undefined)
  }

  return {
    start() {
      startPool()
      stopWatching = watchRuns(db, nodes.id, runs, log)
    },
    abort(projectId, id, reason) {
      for (const active of runs.values()) {
        if (active.projectId === projectId && (id === undefined || active.id === id))
          active.abort.abort(reason)
      }
    },
    async stop() {
      isStopping = true
      const timer = setTimeout(() => {
        for (const { abort } of runs.values()) abort.abort('stopping' satisfies AbortReason)
      }, stopWithinMs)
      await pool?.stop()
      clearTimeout(timer)
      await stopWatching()
    },
  }
}

const labels = {
  succeeded: 'succeeded',
  scheduled: 'retried',
  dead: 'dead',
  cancelled: 'cancelled',
  waiting: 'given_back',
} as const satisfies Record<Outcome['state'], string>

function keyOf(projectId: string, id: string): string {
  return `${projectId} ${id}`
}
