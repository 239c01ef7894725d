import { randomUUID } from 'node:crypto'
import type { Bus } from './bus.ts'
import type { Database } from './database.ts'
import type { Logger } from './logging.ts'

/** The nodes that run on this database, as this one knows them. */
export interface Nodes {
  /** Of this node; a new one at every start. */
  readonly id: string
  /** The others that are alive. */
  readonly others: ReadonlySet<string>
  /** Nodes that are gone may have left something behind: look for what belongs to no row of `basalt.nodes`. */
  onGone(handler: () => Promise<void>): void
  /** This node was taken for dead, or PostgreSQL has lost what was not logged: say anew what must be known of it. */
  onForgotten(handler: () => Promise<void>): void
  close(): Promise<void>
}

const beatEveryMs = 2_000
/** Four beats that were missed, and some more for a machine that is busy. */
const deadAfterSeconds = 10
const topic = 'nodes'

/** Begins to say that this node is alive, and finds out which others are. */
export async function openNodes(db: Database, bus: Bus, log: Logger): Promise<Nodes> {
  const id = randomUUID()
  const goneHandlers: (() => Promise<void>)[] = []
  const forgottenHandlers: (() => Promise<void>)[] = []
  let others: ReadonlySet<string> = new Set()
  let isClosed = false
  let beating: Promise<void> = Promise.resolve()

  async function beat(): Promise<void> {
    const { rows } = await db.query<{ is_new: boolean; removed: string; others: string[] }>(beatSql, [
      id,
      deadAfterSeconds,
    ])
    const [row] = rows
    if (row === undefined) return
    const isFewer = [...others].some((other) => !row.others.includes(other))
    others = new Set(row.others)
    if (row.removed !== '0' || isFewer) await runAll(goneHandlers)
    if (row.is_new) await runAll(forgottenHandlers)
  }

  async function runAll(handlers: readonly (() => Promise<void>)[]): Promise<void> {
    for (const handler of handlers) await handler()
  }

  function beatSoon(): Promise<void> {
    beating = beating.then(async () => {
      if (isClosed) return
      await beat().catch((error: unknown) =>
        log.warn({ err: error }, 'could not say that this node is alive'),
      )
    })
    return beating
  }

  await db.query(beatSql, [id, deadAfterSeconds])
  await beat()
  const timer = setInterval(() => void beatSoon(), beatEveryMs)
  bus.subscribe(topic, (from) => {
    if (from !== id) void beatSoon()
  })
  bus.onReset(
    () =>
      void beatSoon()
        .then(() => runAll(forgottenHandlers))
        .catch(() => undefined),
  )
  bus.publish(topic, id)

  return {
    id,
    get others() {
      return others
    },
    onGone: (handler) => void goneHandlers.push(handler),
    onForgotten: (handler) => void forgottenHandlers.push(handler),
    async close() {
      isClosed = true
      clearInterval(timer)
      await beating
      await db.query('DELETE FROM basalt.nodes WHERE id = $1', [id])
      bus.publish(topic, id)
    },
  }
}

const beatSql = `
  WITH removed AS (
    DELETE FROM basalt.nodes
    WHERE seen_at < now() - make_interval(secs => $2)
      AND id <> $1
    RETURNING id
  ), beat AS (
    INSERT INTO basalt.nodes (id, seen_at)
    VALUES ($1, now())
    ON CONFLICT (id) DO UPDATE SET seen_at = now()
    RETURNING xmax = 0 AS is_new
  )
  SELECT
    (SELECT is_new FROM beat) AS is_new,
    (SELECT count(*) FROM removed) AS removed,
    ARRAY(
      SELECT id
      FROM basalt.nodes
      WHERE seen_at >= now() - make_interval(secs => $2)
        AND id <> $1
    ) AS others`
