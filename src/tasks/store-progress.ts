import { isDeeperThan } from '../platform/json-depth.ts'
import type { Database } from '../platform/database.ts'
import type { Logger } from '../platform/logging.ts'
import type { ClaimedTask } from './claim-tasks.ts'
import { TaskFailure, type TaskRun } from './task.ts'

const everyMs = 500
const maxBytes = 4_096
const maxDepth = 20

/** Stores the newest of what a run says of its progress, twice a second at most, and the last of it at the end. */
export function storeProgress(
  db: Database,
  nodeId: string,
  { projectId, id, attempt }: ClaimedTask,
  log: Logger,
): { store: TaskRun['progress']; end(): Promise<void> } {
  let newest: string | undefined
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  async function write(): Promise<void> {
    timer = undefined
    const text = newest
    newest = undefined
    if (text === undefined) return
    await db
      .query({
        name: 'store progress',
        text: `
          UPDATE basalt.tasks
          SET progress = $5::json
          WHERE project_id = $1 AND id = $2 AND attempt = $3 AND node_id = $4 AND state = 'running'`,
        values: [projectId, id, attempt, nodeId, text],
      })
      .catch((error: unknown) => log.warn({ err: error, task: id }, 'could not store progress'))
  }

  return {
    store(value) {
      const text = JSON.stringify(value)
      if (text === undefined || Buffer.byteLength(text) > maxBytes || isDeeperThan(text, maxDepth)) {
        throw new TaskFailure('invalid_progress', 'Progress is JSON of up to 4 KiB.', { isPermanent: true })
      }
      newest = text
      timer ??= setTimeout(() => {
        writing = write()
      }, everyMs)
    },
    async end() {
      clearTimeout(timer)
      await writing
      if (newest !== undefined) await write()
    },
  }
}
