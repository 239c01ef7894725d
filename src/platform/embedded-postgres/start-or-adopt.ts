import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { sqlState } from '../database.ts'
import { type Claim, claimCluster, ClusterInUseError } from './claim.ts'
import { superuser, writeSettings } from './create-cluster.ts'
import { EmbeddedPostgresError, explainFailure } from './failure.ts'
import type { Placement } from './placement.ts'
import { findPostmaster, launchPostmaster, stopPostmaster } from './postmaster.ts'
import { followLog } from './read-log.ts'
import type { RunAs } from './run-as.ts'

/** A PostgreSQL that answers, and that this server alone may use. */
export interface Running {
  readonly pid: number
  readonly adopted: boolean
  readonly claim: Claim
}

// Recovery after a crash replays at most max_wal_size of the log: seconds, or minutes on a slow disk.
const deadlineMs = 10 * 60_000

/** Waits for the PostgreSQL that runs on the cluster, or starts one. */
export async function startOrAdopt(place: Placement, runAs: RunAs, dataDir: string): Promise<Running> {
  const deadline = Date.now() + deadlineMs
  while (Date.now() < deadline) {
    const found = await findPostmaster(place)
    const running =
      found === undefined
        ? await startNew(place, runAs, dataDir, deadline)
        : await adopt(found, place, dataDir, deadline)
    if (running !== undefined) return running
    await sleep(100)
  }
  throw new EmbeddedPostgresError(`PostgreSQL in ${place.cluster} does not answer within ten minutes.`)
}

/** Undefined when it ended while we waited: it was just stopping. */
async function adopt(
  pid: number,
  place: Placement,
  dataDir: string,
  deadline: number,
): Promise<Running | undefined> {
  while (Date.now() < deadline) {
    const claim = await claimIfReady(place, dataDir)
    if (claim !== undefined) return { pid, adopted: true, claim }
    if ((await findPostmaster(place)) !== pid) return undefined
    await sleep(20)
  }
  return undefined
}

/** Undefined when it is worth another try. */
async function startNew(
  place: Placement,
  runAs: RunAs,
  dataDir: string,
  deadline: number,
): Promise<Running | undefined> {
  await writeSettings(place.cluster)
  const newLogLines = await followLog(place.cluster)
  const launch = launchPostmaster(place, runAs)
  try {
    while (Date.now() < deadline) {
      const claim = await claimIfReady(place, dataDir)
      if (claim !== undefined) {
        return { pid: (await findPostmaster(place)) ?? launch.pid, adopted: false, claim }
      }
      const output = launch.failure()
      if (output !== undefined && isPassing(output)) return undefined
      if (output !== undefined) throw await explainFailure(`${output}\n${await newLogLines()}`, place.home)
      await sleep(10)
    }
    return undefined
  } catch (error) {
    // What another server uses is left to it; what nobody uses must not stay behind.
    if (!(error instanceof ClusterInUseError)) await stopPostmaster(launch.pid, place.cluster)
    throw error
  } finally {
    launch.release()
  }
}

/** Another start was faster, or children of a killed PostgreSQL are still going away. */
function isPassing(output: string): boolean {
  return /lock file "postmaster\.pid" already exists|shared memory block .* is still in use/.test(output)
}

/** Undefined while PostgreSQL doesn't take connections yet. */
async function claimIfReady(place: Placement, dataDir: string): Promise<Claim | undefined> {
  try {
    const claim = await claimCluster({ host: place.sockets, user: superuser, database: 'postgres' }, dataDir)
    await ensureDatabase(claim.client)
    return claim
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error
    const state = sqlState(error)
    // Class 57 is "starting up", "shutting down" and the like; without a state it was the socket that failed.
    if (state === undefined || state.startsWith('57')) return undefined
    throw await explainFailure(`FATAL: ${error instanceof Error ? error.message : String(error)}`, place.home)
  }
}

async function ensureDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [superuser])
  if (rowCount === 0) await client.query(`CREATE DATABASE ${superuser}`)
}
