import type { Services } from '../platform/services.ts'

/** Hands due tasks to the worker. */
export interface Admitter {
  /** Looks, soon, whether tasks of the project can be handed over. Call it when one was enqueued or has ended. */
  wake(projectId: string): void
  /** Resolves when what was begun is done; nothing more is begun. */
  stop(): Promise<void>
}

// Each costs some tenths of a millisecond, under a lock of its own.
const maxProjects = 100

/**
 * Of each project only as many tasks are with graphile-worker as may run at once. So its table is small, whatever waits
 * in ours; nobody's first task stands behind somebody's millionth; and nobody's slow tasks take up all slots.
 *
 * Calls are gathered while a statement is under way: under load there is one of them for many tasks.
 */
export function createAdmitter({ backgroundDb, config, log }: Services): Admitter {
  const waiting = new Set<string>()
  let isStopped = false
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    while (waiting.size > 0 && !isStopped) {
      const projects = [...waiting].slice(0, maxProjects)
      for (const project of projects) waiting.delete(project)
      try {
        await backgroundDb.query({
          name: 'admit tasks',
          text: 'SELECT basalt.admit_tasks($1, $2)',
          values: [projects, config.limits.tasksAtOnceByProject],
        })
      } catch (error) {
        // The sweep will find them again.
        log.warn({ err: error }, 'could not hand tasks to the worker')
      }
    }
  }

  return {
    wake(projectId) {
      waiting.add(projectId)
      if (isStopped) return
      running ??= new Promise((resolve) => setImmediate(resolve)).then(run).finally(() => {
        running = undefined
      })
    },
    async stop() {
      isStopped = true
      await running
    },
  }
}
