import {
  type Database,
  inTransaction,
  type Queryable,
  sqlState,
  type Transaction,
  withConnection,
} from '../../platform/database.ts'
import { unavailable } from '../../platform/errors.ts'
import type { Metrics } from '../../platform/metrics.ts'
import { statementName } from '../../platform/prepared-statements.ts'
import { quoteName } from '../../platform/sql.ts'
import type { CommitOutcome, PlannedWrite } from './planned-write.ts'
import type { WriteEvent } from '../write-hooks.ts'
import { buildWriteStatement, type Enqueueing } from './write-statement.ts'

/**
 * Commits the writes of one project. Whatever arrives while a transaction is under way shares the next one;
 * a write that finds nothing under way starts at once, so a lone client waits for no batch.
 */
export interface Committer {
  /** Resolves after COMMIT. Throws a unique violation as PostgreSQL reports it. */
  commit(write: PlannedWrite): Promise<CommitOutcome>
  /**
   * Plans and commits with the head locked: nobody else writes to the project between what `plan` reads and
   * what it decides. For transactions, and for documents that are written so often that other writers always win.
   * If a planned write does not happen, everything is rolled back and `StaleTransaction` is thrown; if PostgreSQL
   * refuses one of several, `RefusedWrite`.
   */
  commitExclusively<T>(plan: (tx: Transaction) => Promise<{ writes: PlannedWrite[]; result: T }>): Promise<T>
}

/** A write of an exclusive transaction found something else than it was planned on. */
export class StaleTransaction extends Error {
  override readonly name = 'StaleTransaction'
  readonly index: number

  constructor(index: number) {
    super(`the write at ${index} did not happen`)
    this.index = index
  }
}

/** A constraint or limit of PostgreSQL is against one of several writes. The cause is PostgreSQL's error. */
export class RefusedWrite extends Error {
  override readonly name = 'RefusedWrite'
  /** Undefined when what it collided with has gone meanwhile. */
  readonly index: number | undefined

  constructor(index: number | undefined, cause: unknown) {
    super('a write was refused', { cause })
    this.index = index
  }
}

interface Waiting {
  write: PlannedWrite
  resolve: (outcome: CommitOutcome) => void
  reject: (reason: unknown) => void
}

// Above this the statement's own work, not the round trip, is what takes the time.
const maxBatch = 256
const maxBatchBytes = 8 * 1024 * 1024
const maxWaiting = 10_000

/** What stands round the commits of a project. */
export interface CommitContext {
  projectId: string
  /** After each COMMIT that wrote something, before the writers hear of it. */
  committed: () => void
  /** What is enqueued with the writes. */
  eventsOf: (writes: readonly PlannedWrite[]) => WriteEvent[] | Promise<WriteEvent[]>
  /** After a COMMIT with events. */
  enqueued: () => void
}

export function createCommitter(
  db: Database,
  schema: string,
  metrics: Metrics,
  context: CommitContext,
): Committer {
  let waiting: Waiting[] = []
  const exclusive: (() => Promise<void>)[] = []
  let isRunning = false

  async function run(): Promise<void> {
    // Requests that came in with the same read of the sockets get into the same batch.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0 || exclusive.length > 0) {
      const next = exclusive.shift()
      if (next !== undefined) await next()
      if (waiting.length === 0) continue
      const taken = takeBatch(waiting)
      waiting = taken.rest
      await commitBatch(taken.batch)
    }
    isRunning = false
  }

  function start(): void {
    if (isRunning) return
    isRunning = true
    void run()
  }

  /** Never throws: each member hears its own outcome. */
  async function commitBatch(batch: Waiting[]): Promise<void> {
    try {
      const writes = batch.map(({ write }) => write)
      const events = await enqueueing(context, writes)
      const seqs = await withConnection(db, (connection) => execute(connection, schema, writes, events))
      metrics.commits.inc()
      metrics.committedWrites.inc(seqs.size)
      if (seqs.size > 0) context.committed()
      if (events !== undefined) context.enqueued()
      batch.forEach(({ write, resolve }, ord) => resolve(outcomeOf(write, seqs.get(ord))))
    } catch (error) {
      await commitHalves(batch, error)
    }
  }

  /** One member that violates a constraint fails the statement of all: the halves go on without it. */
  async function commitHalves(batch: Waiting[], error: unknown): Promise<void> {
    if (batch.length === 1 || !isFaultOfOneMember(error)) {
      for (const { reject } of batch) reject(error)
      return
    }
    const middle = batch.length >> 1
    await commitBatch(batch.slice(0, middle))
    await commitBatch(batch.slice(middle))
  }

  function refuseIfFull(): void {
    if (waiting.length + exclusive.length >= maxWaiting) {
      throw unavailable('Too many writes are waiting; try again in a moment.')
    }
  }

  return {
    commit(write) {
      refuseIfFull()
      return new Promise((resolve, reject) => {
        waiting.push({ write, resolve, reject })
        start()
      })
    },
    commitExclusively(plan) {
      refuseIfFull()
      return new Promise((resolve, reject) => {
        exclusive.push(() =>
          executeExclusively(db, schema, context, plan).then((result) => {
            context.committed()
            context.enqueued()
            resolve(result)
          }, reject),
        )
        start()
      })
    },
  }
}

/** The longest run of writes that one statement can hold: no document twice, since a statement doesn't see itself. */
function takeBatch(waiting: Waiting[]): { batch: Waiting[]; rest: Waiting[] } {
  const documents = new Set<string>()
  const batch: Waiting[] = []
  const rest: Waiting[] = []
  let bytes = 0
  for (const member of waiting) {
    const { write } = member
    const document = `${write.collection}/${write.id}`
    const size =
      (write.kind === 'delete' ? 0 : write.data.length) +
      (write.kind === 'create' ? 0 : write.current.data.length)
    const fits = batch.length === 0 || (batch.length < maxBatch && bytes + size <= maxBatchBytes)
    if (fits && !documents.has(document)) {
      batch.push(member)
      bytes += size
    } else {
      rest.push(member)
    }
    documents.add(document)
  }
  return { batch, rest }
}

/** The events of writes, for their statement; undefined if there are none. */
async function enqueueing(
  { eventsOf, projectId }: CommitContext,
  writes: readonly PlannedWrite[],
): Promise<Enqueueing | undefined> {
  const found = eventsOf(writes)
  const events = found instanceof Promise ? await found : found
  return events.length === 0 ? undefined : { projectId, events }
}

async function execute(
  db: Queryable,
  schema: string,
  writes: PlannedWrite[],
  events: Enqueueing | undefined,
): Promise<Map<number, number>> {
  const { text, values } = buildWriteStatement(schema, writes, events)
  const { rows } = await db.query<[ord: number, seq: string]>({
    ...statementName(text),
    text,
    values,
    rowMode: 'array',
  })
  return new Map(rows.map(([ord, seq]) => [ord, Number(seq)]))
}

async function executeExclusively<T>(
  db: Database,
  schema: string,
  context: CommitContext,
  plan: (tx: Transaction) => Promise<{ writes: PlannedWrite[]; result: T }>,
): Promise<T> {
  let planned: PlannedWrite[] = []
  try {
    return await inTransaction(db, async (tx) => {
      await lockProject(tx, schema)
      const { writes, result } = await plan(tx)
      if (writes.length === 0) return result
      planned = writes
      const seqs = await execute(tx, schema, writes, await enqueueing(context, writes))
      const failed = writes.findIndex((_, ord) => !seqs.has(ord))
      if (failed !== -1) throw new StaleTransaction(failed)
      return result
    })
  } catch (error) {
    if (planned.length < 2 || !isFaultOfOneMember(error)) throw error
    throw new RefusedWrite(await findRefused(db, schema, planned), error)
  }
}

/** One statement doesn't tell which of its writes failed, so they are tried one by one, and none is kept. */
async function findRefused(
  db: Database,
  schema: string,
  writes: PlannedWrite[],
): Promise<number | undefined> {
  let refused: number | undefined
  const trial = inTransaction(db, async (tx) => {
    await lockProject(tx, schema)
    for (const [at, write] of writes.entries()) {
      refused = at
      await execute(tx, schema, [write], undefined)
    }
    refused = undefined
    throw new Error('only a trial')
  })
  await trial.catch(() => {})
  return refused
}

async function lockProject(tx: Transaction, schema: string): Promise<void> {
  await tx.query(`SELECT FROM ${quoteName(schema)}._head FOR UPDATE`)
}

function outcomeOf(write: PlannedWrite, seq: number | undefined): CommitOutcome {
  if (seq !== undefined) return { committed: true, seq }
  return { committed: false, reason: write.kind === 'create' ? 'exists' : 'stale' }
}

/**
 * Class 22 data, 23 constraint, 54 limits (an index row that is too long), 42P01 a collection that was deleted
 * meanwhile. The rest concerns the whole statement.
 */
function isFaultOfOneMember(error: unknown): boolean {
  return /^(22|23|54|42P01)/.test(sqlState(error) ?? '')
}
