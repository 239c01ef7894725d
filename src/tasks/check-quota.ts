import type { Services } from '../platform/services.ts'
import { tooManyWaiting } from './errors.ts'

/** Throws `quota_exceeded` when a project would have more tasks that have not ended than it may. */
export type CheckQuota = (projectId: string, added: number) => Promise<void>

interface Counted {
  tasks: number
  at: number
  /** Enqueued here since. */
  since: number
}

const validMs = 10_000
const maxProjects = 10_000

/**
 * Counting a long line takes a while, so a count holds for some seconds, or until half of what was free has been
 * enqueued here. Several nodes together may go a little beyond the limit.
 */
export function createQuota({ db, config }: Services): CheckQuota {
  const limit = config.limits.waitingTasksByProject
  const counts = new Map<string, Counted>()

  async function count(projectId: string): Promise<Counted> {
    const { rows } = await db.query<{ count: string }>({
      name: 'count waiting tasks',
      text: `
        SELECT count(*)
        FROM (
          SELECT
          FROM basalt.tasks
          WHERE project_id = $1 AND state IN ('scheduled', 'waiting', 'ready', 'running')
          LIMIT $2
        ) AS waiting`,
      values: [projectId, limit],
    })
    const counted = { tasks: Number(rows[0]?.count ?? 0), at: Date.now(), since: 0 }
    if (counts.size >= maxProjects) counts.clear()
    counts.set(projectId, counted)
    return counted
  }

  return async (projectId, added) => {
    let counted = counts.get(projectId)
    const isStale =
      counted === undefined ||
      Date.now() - counted.at > validMs ||
      counted.since + added > (limit - counted.tasks) / 2
    if (counted === undefined || isStale) counted = await count(projectId)
    if (counted.tasks + added > limit) throw tooManyWaiting(limit)
    counted.since += added
  }
}
