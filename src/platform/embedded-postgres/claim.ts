import pg from 'pg'
import { setTimeout as sleep } from 'node:timers/promises'
import { EmbeddedPostgresError } from './failure.ts'

// Any number will do, as long as it stays the same: the advisory lock of the one server of a data folder.
const ownerLock = 2_137_001

/** Another server has the data folder. */
export class ClusterInUseError extends EmbeddedPostgresError {}

/** The connection whose lock makes this server the only one of its data folder. It ends when PostgreSQL does. */
export interface Claim {
  readonly client: pg.Client
  readonly lost: Promise<void>
}

/**
 * Connects and takes the lock. A lock in PostgreSQL goes with the process that held it, even after `kill -9`,
 * and can't be left behind as a file can.
 * Throws what `pg` throws while PostgreSQL isn't ready, a `ClusterInUseError` when another server has it.
 */
export async function claimCluster(connection: pg.ClientConfig, dataDir: string): Promise<Claim> {
  const client = new pg.Client({
    ...connection,
    application_name: `basalt server ${process.pid}`,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  })
  const lost = new Promise<void>((resolve) => client.once('end', () => resolve()))
  // A connection that breaks says so twice, by 'error' and by 'end'.
  client.on('error', () => undefined)
  await client.connect()
  try {
    await takeLock(client, dataDir)
    return { client, lost }
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}

async function takeLock(client: pg.Client, dataDir: string): Promise<void> {
  // PostgreSQL needs a moment to notice that a killed server is gone.
  for (let attempt = 0; attempt < 40; attempt++) {
    const { rows } = await client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1) AS locked', [
      ownerLock,
    ])
    if (rows[0]?.locked === true) return
    await sleep(50)
  }
  const { rows } = await client.query<{ name: string }>(
    `SELECT application_name AS name
       FROM pg_stat_activity
       JOIN pg_locks USING (pid)
      WHERE locktype = 'advisory'
        AND objid = $1
        AND granted`,
    [ownerLock],
  )
  const owner = rows[0]?.name.replace('basalt server', 'process') ?? 'another process'
  throw new ClusterInUseError(
    `Another Basalt server (${owner}) uses the data folder ${dataDir}. Stop it, or give this one a folder of its own with BASALT_DATA_DIR. Several servers on one database need DATABASE_URL.`,
  )
}
