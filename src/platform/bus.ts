import pg from 'pg'
import type { Logger } from './logging.ts'

type Handler = (payload: string) => void

/**
 * Tells the other nodes that something changed, through PostgreSQL's NOTIFY.
 * A message is a hint: whoever gets it reads the truth from the tables. While the listening connection is
 * down messages are lost, so `onReset` handlers run when it breaks and when it is back: drop every cache.
 */
export interface Bus {
  /** Runs handlers of this node at once, those of the others within some milliseconds. */
  publish(topic: string, payload: string): void
  subscribe(topic: string, handler: Handler): () => void
  onReset(handler: () => void): void
  close(): Promise<void>
}

const channel = 'basalt'
// NOTIFY serialises all commits of the database while it runs: one statement for everything of some
// milliseconds, and never inside a transaction of a write.
const flushAfterMs = 5
const maxPayloadBytes = 7_900
const reconnectAfterMs = 250

type Message = [topic: string, payload: string]

export async function openBus(pool: pg.Pool, connection: pg.ClientConfig, log: Logger): Promise<Bus> {
  const handlers = new Map<string, Set<Handler>>()
  const resets = new Set<() => void>()
  const nodeId = crypto.randomUUID()
  let outgoing: Message[] = []
  let flushTimer: NodeJS.Timeout | undefined
  let reconnectTimer: NodeJS.Timeout | undefined
  let listener: pg.Client | undefined
  let closed = false

  function deliver([topic, payload]: Message): void {
    for (const handler of handlers.get(topic) ?? []) handler(payload)
  }

  function reset(): void {
    for (const handler of resets) handler()
  }

  async function listen(): Promise<void> {
    const client = new pg.Client({ ...connection, application_name: 'basalt listener' })
    client.on('error', (error) => log.warn({ err: error }, 'the listening connection broke'))
    client.on('end', () => {
      if (closed || listener !== client) return
      listener = undefined
      reset()
      reconnect()
    })
    client.on('notification', ({ payload }) => {
      const { from, messages } = readNotification(payload)
      if (from !== nodeId) messages.forEach(deliver)
    })
    await client.connect()
    await client.query(`LISTEN ${channel}`)
    listener = client
  }

  function reconnect(): void {
    reconnectTimer = setTimeout(() => {
      listen().then(reset, (error: unknown) => {
        log.warn({ err: error }, 'the listening connection is not back yet')
        if (!closed) reconnect()
      })
    }, reconnectAfterMs)
  }

  async function flush(): Promise<void> {
    flushTimer = undefined
    const messages = outgoing
    outgoing = []
    for (const payload of packNotifications(nodeId, messages)) {
      // A lost hint is repaired by the polling and the expiry that every cache has as its net.
      await pool
        .query('SELECT pg_notify($1, $2)', [channel, payload])
        .catch((error: unknown) => log.warn({ err: error }, 'could not notify the other nodes'))
    }
  }

  await listen()
  return {
    publish(topic, payload) {
      deliver([topic, payload])
      if (outgoing.some(([t, p]) => t === topic && p === payload)) return
      outgoing.push([topic, payload])
      flushTimer ??= setTimeout(() => void flush(), flushAfterMs)
    },
    subscribe(topic, handler) {
      const set = handlers.get(topic) ?? new Set()
      handlers.set(topic, set.add(handler))
      return () => set.delete(handler)
    },
    onReset(handler) {
      resets.add(handler)
    },
    async close() {
      closed = true
      clearTimeout(flushTimer)
      clearTimeout(reconnectTimer)
      await flush()
      await listener?.end()
    },
  }
}

function packNotifications(from: string, messages: Message[]): string[] {
  const packed: string[] = []
  let batch: Message[] = []
  for (const message of messages) {
    const next = JSON.stringify({ from, messages: [...batch, message] })
    if (Buffer.byteLength(next) > maxPayloadBytes && batch.length > 0) {
      packed.push(JSON.stringify({ from, messages: batch }))
      batch = []
    }
    batch.push(message)
  }
  if (batch.length > 0) packed.push(JSON.stringify({ from, messages: batch }))
  return packed
}

function readNotification(payload: string | undefined): { from: string; messages: Message[] } {
  try {
    return JSON.parse(payload ?? '')
  } catch {
    // Anyone who may connect to the database may NOTIFY: what is not ours is ignored.
    return { from: '', messages: [] }
  }
}
