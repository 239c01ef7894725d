import { appendWritten, lockHead } from '../../changes/append-changes.ts'
import { quoteName } from '../../platform/sql.ts'
import type { WriteEvent } from '../write-hooks.ts'
import type { PlannedWrite } from './planned-write.ts'

/** One statement for any number of writes, with its parameters. Answers with rows of `ord` and `seq`. */
export interface WriteStatement {
  text: string
  values: string[]
}

/** What is to happen after the writes: tasks of the kind `write_event`, one for each event. */
export interface Enqueueing {
  projectId: string
  events: readonly WriteEvent[]
}

interface Group {
  kind: PlannedWrite['kind']
  collection: string
  /** The members as JSON objects, to be read by json_to_recordset. */
  members: string[]
}

/**
 * Writes of one project in one statement: locks the head, writes, appends the changes, advances the head,
 * remembers the idempotency keys. One round trip and one COMMIT for all of them is what makes writing fast;
 * see ARCHITECTURE.md for the figures.
 *
 * The members of a group travel as one JSON parameter. An array of jsonb would have every quote in it escaped
 * once more, which costs the event loop twice the time.
 */
export function buildWriteStatement(
  schema: string,
  writes: PlannedWrite[],
  enqueueing?: Enqueueing,
): WriteStatement {
  const groups = groupWrites(writes)
  const values = groups.map((group) => `[${group.members.join(',')}]`)
  const remembered = writes.flatMap((write, ord) =>
    write.idempotency === undefined ? [] : [JSON.stringify({ ord, ...write.idempotency, at: write.at })],
  )
  const expressions = [lockHead(schema), ...groups.map((group, n) => groupSql(schema, group, n))]
  expressions.push(writtenSql(groups), appendWritten(schema))
  if (remembered.length > 0) {
    values.push(`[${remembered.join(',')}]`)
    expressions.push(rememberSql(schema, values.length))
  }
  if (enqueueing === undefined) {
    return { text: `WITH ${expressions.join(',')}\nSELECT ord, seq\nFROM numbered`, values }
  }
  values.push(enqueueing.projectId, JSON.stringify(enqueueing.events))
  expressions.push(enqueueSql(values.length - 1))
  // A function is called only where somebody looks at its result.
  return {
    text: `WITH ${expressions.join(',')}\nSELECT ord, seq\nFROM numbered, enqueued`,
    values,
  }
}

/**
 * Groups come in an order of their own, so that the same kinds of writes give the same prepared statement. A
 * transaction may give a unique value from one document to another: what lets go of values comes first.
 */
function groupWrites(writes: PlannedWrite[]): Group[] {
  const groups = new Map<string, Group>()
  writes.forEach((write, ord) => {
    const key = `${rankOfKind[write.kind]}.${write.collection}`
    let group = groups.get(key)
    if (group === undefined) {
      group = { kind: write.kind, collection: write.collection, members: [] }
      groups.set(key, group)
    }
    group.members.push(memberJson(write, ord))
  })
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group)
}

const rankOfKind = { delete: 0, update: 1, create: 2 } as const

/** Ids and times hold no character that JSON escapes; data is JSON already. */
function memberJson(write: PlannedWrite, ord: number): string {
  const common = `{"ord":${ord},"id":"${write.id}","at":"${write.at}","actor":${JSON.stringify(write.actor)}`
  if (write.kind === 'create') return `${common},"created_at":"${write.createdAt}","data":${write.data}}`
  const { version, createdAt, updatedAt, data } = write.current
  const current = `"created_at":"${createdAt}","version":${version},"before_at":"${updatedAt}","before":${data}`
  return write.kind === 'update' ? `${common},${current},"data":${write.data}}` : `${common},${current}}`
}

function groupSql(schema: string, { kind, collection }: Group, n: number): string {
  const table = `${quoteName(schema)}.${quoteName(collection)}`
  switch (kind) {
    case 'create':
      return `
    input${n} AS MATERIALIZED (
      SELECT *
      FROM json_to_recordset($${n + 1}::json) AS (ord int, id text, at text, actor text, created_at text, data jsonb)
    ),
    done${n} AS (
      INSERT INTO ${table} (id, data, version, created_at, updated_at)
      SELECT id, data, 1, created_at, at
      FROM input${n}, head
      ON CONFLICT (id) DO NOTHING
      RETURNING id
    )`
    case 'update':
      return `
    ${currentInput(n)},
    done${n} AS (
      UPDATE ${table} AS stored
      SET data = input.data, version = input.version + 1, updated_at = input.at
      FROM input${n} AS input, head
      WHERE ${isStillCurrent}
      RETURNING stored.id
    )`
    case 'delete':
      return `
    ${currentInput(n)},
    done${n} AS (
      DELETE FROM ${table} AS stored
      USING input${n} AS input, head
      WHERE ${isStillCurrent}
      RETURNING stored.id
    )`
  }
}

function currentInput(n: number): string {
  return `input${n} AS MATERIALIZED (
      SELECT *
      FROM json_to_recordset($${n + 1}::json) AS (
        ord int, id text, at text, actor text, created_at text, version bigint, before_at text, before jsonb, data jsonb
      )
    )`
}

// The time of creation tells a document from one that was deleted and made anew under the same id.
const isStillCurrent = `stored.id = input.id AND stored.version = input.version AND stored.created_at = input.created_at`

function writtenSql(groups: Group[]): string {
  const selects = groups.map(({ kind, collection }, n) => {
    const columns = {
      create: '1, at, created_at, data, NULL, NULL::jsonb',
      update: 'version + 1 AS version, at, created_at, data, before_at, before',
      delete: 'version, at, created_at, NULL::jsonb AS data, before_at, before',
    }[kind]
    // A collection's name matches [a-z][a-z0-9_]*, so it is safe as a literal; being one it keeps the plan simple.
    return `
      SELECT ord, '${kind}', '${collection}', id, ${columns}, actor
      FROM input${n} JOIN done${n} USING (id)`
  })
  return `
    written (ord, kind, collection, id, version, at, created_at, data, before_at, before, actor) AS (${selects.join('\n      UNION ALL')}
    )`
}

function rememberSql(schema: string, parameter: number): string {
  return `
    remembered AS (
      INSERT INTO ${quoteName(schema)}._idempotency (actor, key, fingerprint, status, answer, at)
      SELECT input.actor, input.key, input.fingerprint, input.status, input.answer, input.at
      FROM json_to_recordset($${parameter}::json) AS input (
        ord int, actor text, key text, fingerprint text, status int, answer text, at text
      )
      JOIN written USING (ord)
    )`
}

/**
 * The number of the change and who hears of it are the event's id: the same however often it is delivered, and fit to be
 * the id of the document that is its effect.
 */
function enqueueSql(parameter: number): string {
  return `
    enqueued AS (
      SELECT count(task.task_id)
      FROM (
        SELECT json_agg(
          json_build_object(
            'id', numbered.seq || '-' || event.name,
            'kind', 'write_event',
            'name', event.name,
            'payload', json_build_object('seq', numbered.seq, 'depth', event.depth),
            'max_attempts', 10,
            'timeout_ms', 60000
          )
          ORDER BY numbered.seq
        ) AS tasks
        FROM numbered
        JOIN json_to_recordset($${parameter + 1}::json) AS event (ord int, name text, depth int) USING (ord)
      ) AS due
      LEFT JOIN LATERAL basalt.enqueue_tasks($${parameter}::text, due.tasks) AS task ON due.tasks IS NOT NULL
    )`
}
