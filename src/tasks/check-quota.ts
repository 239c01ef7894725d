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
// A full line is a long one: it is not counted for each task that it turns away.
const leastMs = 1_000
const maxProjects = 10_000

/**
 * Counting a long line takes a while, so a count holds for some seconds, or until half of what was free has been
 * enqueued here; those that need a new one share it. Several nodes together may go a little beyond the limit.
 * Counted on the connections of background work: who asks may hold one of the others.
 */
export function createQuota({ backgroundDb, config }: Services): CheckQuota {
  const limit = config.limits.waitingTasksByProject
  const counts = new Map<string, Counted>()
  const counting = new Map<string, Promise<Counted>>()

  async function count(projectId: string): Promise<Counted> {
    const { rows } = await backgroundDb.query<{ count: string }>({
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

  function countOnce(projectId: string): Promise<Counted> {
    const known = counting.get(projectId)
    if (known !== undefined) return known
    const started = count(projectId).finally(() => counting.delete(projectId))
    counting.set(projectId, started)
    return started
  }

  function isUsable({ tasks, at, since }: Counted, added: number): boolean {
    const age = Date.now() - at
    return age < leastMs || (age < validMs && since + added <= (limit - tasks) / 2)
  }

  return async (projectId, added) => {
    const known = counts.get(projectId)
    const counted = known !== undefined && isUsable(known, added) ? known : await countOnce(projectId)
    if (counted.tasks + counted.since + added > limit) throw tooManyWaiting(limit)
    counted.since += added
  }
}
