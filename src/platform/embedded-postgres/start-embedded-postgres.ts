import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../logging.ts'
import { ensureCluster, superuser } from './create-cluster.ts'
import { prepareFolders } from './placement.ts'
import { signal, stopPostmaster } from './postmaster.ts'
import { chooseRunAs, type RunAs } from './run-as.ts'
import { type Running, startOrAdopt } from './start-or-adopt.ts'

export interface EmbeddedPostgres {
  /** Over a private unix socket, as the only user. */
  readonly connection: { readonly host: string; readonly user: string; readonly database: string }
  /** The folder of the cluster: in the data folder, unless PostgreSQL couldn't reach it there. */
  readonly cluster: string
  /** It ran already: the server before this one was killed. */
  readonly adopted: boolean
  readonly runAs: RunAs['kind']
  /** Stops PostgreSQL, fast and cleanly. */
  readonly stop: () => Promise<void>
}

interface Options {
  dataDir: string
  log: Logger
  /** Start as on a host that forbids user namespaces. */
  avoidNamespace?: boolean
}

/**
 * Starts the PostgreSQL of a data folder, or adopts the one that a killed server left running, and watches it:
 * when it dies it is started again, while connections fail for a moment.
 * Throws an `EmbeddedPostgresError` that can be shown as it is; nothing stays running then.
 */
export async function startEmbeddedPostgres(options: Options): Promise<EmbeddedPostgres> {
  const { dataDir, log } = options
  const runAs = chooseRunAs({ avoidNamespace: options.avoidNamespace ?? false })
  const place = await prepareFolders(dataDir, runAs, log)
  await ensureCluster(place, runAs)
  const start = (): Promise<Running> => startOrAdopt(place, runAs, dataDir)
  const first = await start()
  const stop = keepRunning(first, place.cluster, start, log)
  return {
    connection: { host: place.sockets, user: superuser, database: superuser },
    cluster: place.cluster,
    adopted: first.adopted,
    runAs: runAs.kind,
    stop,
  }
}

/** Starts it again whenever it dies, until the function that is given back stops it for good. */
function keepRunning(
  first: Running,
  cluster: string,
  start: () => Promise<Running>,
  log: Logger,
): () => Promise<void> {
  let running: Running | undefined = first
  const stopping = new AbortController()

  async function watch(): Promise<void> {
    while (running !== undefined && !stopping.signal.aborted) {
      await running.claim.lost
      running = undefined
      if (stopping.signal.aborted) return
      log.warn('PostgreSQL has closed its connections: waiting for it, or starting it again')
      running = await startAgain(start, log, stopping.signal)
      if (running !== undefined) log.info({ pid: running.pid }, 'PostgreSQL answers again')
    }
  }
  const watching = watch()

  // A process that ends without a word, by process.exit() after a fault, takes PostgreSQL with it.
  const stopWithProcess = (): void => {
    if (running !== undefined) signal(running.pid, 'SIGINT')
  }
  process.once('exit', stopWithProcess)

  return async () => {
    stopping.abort()
    if (running === undefined) await watching
    if (running !== undefined) await stopPostmaster(running.pid, cluster)
    await watching
    process.off('exit', stopWithProcess)
  }
}

/** Tries at once, then ever more seldom up to every 5 s: a full disk may be emptied, a lock may go. */
async function startAgain(
  start: () => Promise<Running>,
  log: Logger,
  stopping: AbortSignal,
): Promise<Running | undefined> {
  for (let delay = 50; !stopping.aborted; delay = Math.min(delay * 2, 5000)) {
    try {
      return await start()
    } catch (error) {
      log.error({ err: error }, 'PostgreSQL does not start; trying again')
    }
    await sleep(delay, undefined, { signal: stopping }).catch(() => undefined)
  }
  return undefined
}
