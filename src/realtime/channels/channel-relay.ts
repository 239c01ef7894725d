import type { Services } from '../../platform/services.ts'
import type { JsonObject } from '../../query/json.ts'

/** Where something happens. */
export interface Place {
  readonly projectId: string
  readonly channel: string
}

/** Somebody who can be seen in a channel. */
export interface Member {
  readonly id: string
  readonly uid: string | null
  readonly presence: JsonObject
}

/** What all who are in a channel hear. */
export type ChannelEvent =
  | {
      readonly kind: 'broadcast'
      readonly event: string
      readonly payload: unknown
      readonly uid: string | null
    }
  | { readonly kind: 'join' | 'update' | 'leave'; readonly members: readonly Member[] }

/** Carries what happens in channels to the other nodes, and keeps in a table who is present. */
export interface ChannelRelay {
  /** Writes, in this order, who is present, and what the other nodes are told; all that comes within some milliseconds together. */
  tell(place: Place, event: ChannelEvent): void
  /** The member's row is written before anything that is told after this call. */
  put(place: Place, member: Member): void
  remove(memberId: string): void
  membersOf(place: Place): Promise<Member[]>
  /** Takes away who was on nodes that are gone. */
  removeOrphans(): Promise<(Place & { member: Member })[]>
  /** From now on hears what other nodes tell. Resolves when nothing told later can be missed. */
  listen(): Promise<void>
  close(): Promise<void>
}

export interface RelayListener {
  heard(place: Place, event: ChannelEvent): void
  /** Something was told that can't be read any more: who is present has to be looked up anew. */
  missed(): void
}

interface Row extends Place {
  node_id: string
  number: number
  message: string
}

const flushAfterMs = 4
const pollEveryMs = 1_000
const pageSize = 500
const keptSeconds = 60
const trimEveryMs = 20_000
const topic = 'channels'

export function createChannelRelay({ db, bus, nodes, log }: Services, listener: RelayListener): ChannelRelay {
  let messages: object[] = []
  const puts = new Map<string, object>()
  const removals = new Set<string>()
  let number = 0
  let flushTimer: NodeJS.Timeout | undefined
  let flushing: Promise<void> = Promise.resolve()
  /** By node: up to which message everything was heard. Undefined while nobody here listens. */
  let heard: Map<string, number> | undefined
  let reading: Promise<void> = Promise.resolve()

  function flushSoon(): void {
    flushTimer ??= setTimeout(() => {
      flushTimer = undefined
      flushing = flushing.then(flush)
    }, flushAfterMs)
  }

  async function flush(): Promise<void> {
    const told = messages
    const values = [JSON.stringify([...puts.values()]), [...removals], JSON.stringify(told)]
    if (told.length === 0 && puts.size === 0 && removals.size === 0) return
    messages = []
    puts.clear()
    removals.clear()
    try {
      await db.query(writeSql, [nodes.id, ...values])
      if (told.length > 0) bus.publish(topic, nodes.id)
    } catch (error) {
      log.warn({ err: error }, 'could not tell the other nodes what happens in channels')
    }
  }

  function readSoon(): void {
    reading = reading.then(readAll)
  }

  async function readAll(): Promise<void> {
    try {
      while (heard !== undefined && (await readPage(heard)) === pageSize);
    } catch (error) {
      log.warn({ err: error }, 'could not hear what happens in channels elsewhere')
    }
  }

  async function readPage(positions: Map<string, number>): Promise<number> {
    const known = JSON.stringify([...positions].map(([node_id, at]) => ({ node_id, at })))
    const { rows } = await db.query<Row>(readSql, [nodes.id, known, pageSize])
    let isMissing = false
    for (const { node_id: from, number: at, projectId, channel, message } of rows) {
      isMissing ||= Number(at) !== (positions.get(from) ?? 0) + 1
      positions.set(from, Number(at))
      listener.heard({ projectId, channel }, JSON.parse(message))
    }
    if (isMissing) listener.missed()
    return rows.length
  }

  bus.subscribe(topic, (from) => {
    if (from !== nodes.id && heard !== undefined) readSoon()
  })
  const polling = setInterval(() => {
    if (heard !== undefined && nodes.others.size > 0) readSoon()
  }, pollEveryMs)
  const trimming = setInterval(() => {
    const trim = db.query(trimSql, [keptSeconds])
    trim.catch((error: unknown) => log.warn({ err: error }, 'could not forget what was told of channels'))
  }, trimEveryMs)

  return {
    tell({ projectId, channel }, event) {
      if (nodes.others.size === 0) return
      messages.push({ number: ++number, project_id: projectId, channel, message: JSON.stringify(event) })
      flushSoon()
    },
    put({ projectId, channel }, { id, uid, presence }) {
      removals.delete(id)
      puts.set(id, { id, project_id: projectId, channel, uid, presence })
      flushSoon()
    },
    remove(memberId) {
      puts.delete(memberId)
      removals.add(memberId)
      flushSoon()
    },
    async membersOf({ projectId, channel }) {
      const { rows } = await db.query<Member>(membersSql, [projectId, channel])
      return rows
    },
    async removeOrphans() {
      const { rows } = await db.query<Member & Place>(orphansSql)
      return rows.map(({ projectId, channel, ...member }) => ({ projectId, channel, member }))
    },
    async listen() {
      if (heard !== undefined) return
      const { rows } = await db.query<{ node_id: string; at: string }>(positionsSql)
      heard ??= new Map(rows.map(({ node_id, at }) => [node_id, Number(at)]))
    },
    async close() {
      clearInterval(polling)
      clearInterval(trimming)
      clearTimeout(flushTimer)
      heard = undefined
      await reading
      await flushing
      await flush()
    },
  }
}

const writeSql = `
  WITH removed AS (
    DELETE FROM basalt.channel_members
    WHERE id = ANY ($3::text[])
  ), present AS (
    INSERT INTO basalt.channel_members AS member (id, project_id, channel, node_id, uid, presence)
    SELECT id, project_id, channel, $1, uid, presence
    FROM json_to_recordset($2::json)
      AS (id text, project_id text, channel text, uid text, presence jsonb)
    ON CONFLICT (id) DO UPDATE
      SET presence = excluded.presence
  )
  INSERT INTO basalt.relayed_messages (node_id, number, project_id, channel, message)
  SELECT $1, number, project_id, channel, message
  FROM json_to_recordset($4::json) AS (number bigint, project_id text, channel text, message text)`

const readSql = `
  SELECT told.node_id, told.number, told.project_id AS "projectId", told.channel, told.message
  FROM basalt.relayed_messages AS told
  LEFT JOIN json_to_recordset($2::json) AS known (node_id text, at bigint)
    ON known.node_id = told.node_id
  WHERE told.node_id <> $1
    AND told.number > coalesce(known.at, 0)
  ORDER BY told.node_id, told.number
  LIMIT $3`

const positionsSql = `
  SELECT node_id, max(number) AS at
  FROM basalt.relayed_messages
  GROUP BY node_id`

const membersSql = `
  SELECT id, uid, presence
  FROM basalt.channel_members
  WHERE project_id = $1
    AND channel = $2
  ORDER BY joined_at, id`

const orphansSql = `
  DELETE FROM basalt.channel_members AS member
  WHERE NOT EXISTS (
    SELECT
    FROM basalt.nodes
    WHERE nodes.id = member.node_id
  )
  RETURNING id, uid, presence, project_id AS "projectId", channel`

const trimSql = `
  DELETE FROM basalt.relayed_messages
  WHERE at < now() - make_interval(secs => $1)`
