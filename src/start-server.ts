import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import pg from 'pg'
import { createApp, type App } from './app.ts'
import type { Config } from './config.ts'
import { type FirstStart, prepareFirstStart } from './first-start.ts'
import { migrateDatabase } from './migrations.ts'
import { resealSecrets } from './reseal-secrets.ts'
import { openBus } from './platform/bus.ts'
import type { Logger } from './platform/logging.ts'
import { checkMasterKey } from './platform/check-master-key.ts'
import { loadMasterKeys } from './platform/master-key.ts'
import { createMetrics } from './platform/metrics.ts'
import { openNodes } from './platform/nodes.ts'
import { openDatabase } from './platform/open-database.ts'
import { openControlPlane } from './platform/prisma.ts'
import type { Services } from './platform/services.ts'

export interface RunningServer {
  app: App
  services: Services
  /** Where it listens: `http://127.0.0.1:4000`. */
  address: string
  /** Where the data lies, for people. */
  database: string
  firstStart: FirstStart
  /** Finishes the requests under way, then lets go of everything. */
  stop: () => Promise<void>
}

// Connections are the dearest thing of PostgreSQL. Reads and writes share statements, so few are enough.
const maxConnections = 16
const background: pg.PoolConfig = {
  application_name: 'basalt background',
  // One of them listens for tasks.
  max: 6,
  // Awaited by the pool, before anybody gets the connection.
  // oxlint-disable-next-line typescript/no-misused-promises -- its types don't say so
  onConnect: (client) => client.query('SET synchronous_commit = off'),
}
// A connection remembers each project that it has touched (33 KB of catalogue each): it is renewed in time.
const connectionLifetimeSeconds = 900

/**
 * Opens the database, brings it up to date, and serves. What was opened is closed again if a later step fails.
 * Nobody is answered before the first operator and project are there.
 */
export async function startServer(config: Config, log: Logger): Promise<RunningServer> {
  const opened: (() => Promise<unknown>)[] = []
  const closeAll = async (): Promise<void> => {
    for (const close of opened.splice(0).reverse()) {
      await close().catch((error: unknown) => log.warn({ err: error }, 'could not stop in order'))
    }
  }
  try {
    await requireFreePort(config)
    const database = await openDatabase(config, log)
    opened.push(database.stop)
    const db = openPool(database.connection, config, log, { max: maxConnections })
    opened.push(() => db.end())
    await migrateDatabase(db)
    const backgroundDb = openPool(database.connection, config, log, background)
    opened.push(() => backgroundDb.end())
    const control = openControlPlane(db)
    opened.push(() => control.$disconnect())
    const bus = await openBus(db, database.connection, log)
    opened.push(() => bus.close())
    const nodes = await openNodes(db, bus, log)
    opened.push(() => nodes.close())
    const masterKeys = await loadMasterKeys(config)
    if (await checkMasterKey(control, nodes, masterKeys, (tx) => resealSecrets(tx, masterKeys)))
      log.info('all secrets are encrypted with the new master key')
    const metrics = createMetrics()
    const services: Services = { config, log, db, backgroundDb, control, bus, nodes, metrics, masterKeys }
    const app = await createApp(services)
    opened.push(() => app.server.close())
    const firstStart = await prepareFirstStart(services, app)
    await app.server.listen({ host: config.host, port: config.port })
    app.tasks.start()
    const address = addressOf(config, app.server.server.address())
    return { app, services, address, database: database.description, firstStart, stop: closeAll }
  } catch (error) {
    await closeAll()
    throw error
  }
}

function openPool(connection: pg.PoolConfig, config: Config, log: Logger, more: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({
    ...connection,
    application_name: 'basalt',
    maxLifetimeSeconds: connectionLifetimeSeconds,
    connectionTimeoutMillis: 5_000,
    statement_timeout: config.limits.statementMs,
    idle_in_transaction_session_timeout: 30_000,
    ...more,
  })
  // A connection that breaks while nobody uses it: the pool makes a new one when it is needed.
  // The error carries the whole client with it, which is nothing for a log.
  pool.on('error', (error) => log.warn({ reason: error.message }, 'a database connection broke'))
  // One that breaks in the middle of a transaction: its statements fail, and are answered 503. Without a listener
  // the process would end.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** Asked before anything is opened or made: what a first start shows, it shows once. */
async function requireFreePort({ host, port }: Config): Promise<void> {
  const probe = createServer().listen(port, host)
  try {
    await once(probe, 'listening')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    throw new Error(`Port ${port} of ${host} is taken by another program. Choose another with BASALT_PORT.`, {
      cause: error,
    })
  }
  probe.close()
  await once(probe, 'close')
}

function addressOf(config: Config, listening: AddressInfo | string | null): string {
  const port = typeof listening === 'object' && listening !== null ? listening.port : config.port
  return `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
}
