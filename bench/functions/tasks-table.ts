import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** What the server's own table says of tasks, which no answer of the API tells as exactly. */
export interface TasksTable {
  /** On the clock of the table. */
  now(): Promise<number>
  /** Without it, plans would be made for a table that was empty a moment ago. */
  analyze(): Promise<void>
  /** Waits until none waits or runs. */
  untilDone(withinMs: number): Promise<void>
  /** Of the tasks with this name that were made at or after this time. */
  read(name: string, since: number): Promise<TaskTimes>
  close(): Promise<void>
}

export interface TaskTimes {
  succeeded: number
  /** Milliseconds since 1970. */
  lastEnd: number
  /**
   * Sorted: milliseconds from the start of the transaction that made the task until its function began. It includes the
   * write and its COMMIT, since nothing notes when that was.
   */
  waits: number[]
  /** Of one that did not succeed. */
  error: string | null
}

export async function openTasksTable(sockets: string): Promise<TasksTable> {
  const client = new pg.Client({ host: sockets, user: 'basalt', database: 'basalt' })
  await client.connect()
  const isDone = async (): Promise<boolean> => {
    const { rows } = await client.query<{ done: boolean }>(
      // By the index, whatever has ended already.
      `SELECT NOT EXISTS (
         SELECT
         FROM basalt.projects
         JOIN basalt.tasks ON project_id = projects.id
         WHERE state IN ('scheduled', 'waiting', 'ready', 'running')
       ) AS done`,
    )
    return rows[0]?.done === true
  }
  return {
    async now() {
      const { rows } = await client.query<{ at: number }>(
        'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS at',
      )
      return rows[0]?.at ?? Number.NaN
    },
    async analyze() {
      await client.query('VACUUM ANALYZE basalt.tasks')
    },
    async untilDone(withinMs) {
      const deadline = Date.now() + withinMs
      while (!(await isDone())) {
        if (Date.now() > deadline) throw new Error(`Tasks are not done within ${withinMs} ms.`)
        await sleep(100)
      }
    },
    async read(name, since) {
      const { rows } = await client.query<{
        state: string
        made: number
        ended: number
        began: number
        error: string | null
      }>(
        `SELECT
           state,
           extract(epoch FROM created_at)::float8 * 1000 AS made,
           extract(epoch FROM finished_at)::float8 * 1000 AS ended,
           (result->>'startedAt')::float8 AS began,
           error::text
         FROM basalt.tasks
         WHERE name = $1 AND created_at >= to_timestamp($2::float8 / 1000)`,
        [name, Math.floor(since)],
      )
      const good = rows.filter(({ state }) => state === 'succeeded')
      return {
        succeeded: good.length,
        lastEnd: good.reduce((last, { ended }) => Math.max(last, ended), 0),
        waits: good.map(({ made, began }) => began - made).sort((a, b) => a - b),
        error: rows.find(({ state }) => state !== 'succeeded')?.error ?? null,
      }
    },
    close: () => client.end(),
  }
}
