import pg from 'pg'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { sqlState } from './database.ts'
import { startEmbeddedPostgres } from './embedded-postgres/start-embedded-postgres.ts'
import type { Logger } from './logging.ts'

export interface OpenedDatabase {
  /** For `new pg.Pool`: add sizes and limits of your own. */
  readonly connection: pg.PoolConfig
  /** Where it is, for people; without a password. */
  readonly description: string
  /** Stops the embedded PostgreSQL, which waits for no client: close the pools first. */
  readonly stop: () => Promise<void>
}

/** The given database is none that we can use, in words for whoever starts the server. */
class DatabaseUnusableError extends Error {
  override readonly name = 'DatabaseUnusableError'
}

const oldestMajor = 15

// A database that is started together with the server, by compose or Kubernetes, takes a while.
const patienceMs = 60_000

/**
 * The PostgreSQL of `DATABASE_URL`, or the embedded one, as soon as it answers.
 * Throws a `DatabaseUnusableError` or an `EmbeddedPostgresError`.
 */
export async function openDatabase(config: Config, log: Logger): Promise<OpenedDatabase> {
  if (config.databaseUrl !== undefined) return openGiven(config.databaseUrl, log)
  const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir, log })
  log.info(
    { cluster: embedded.cluster, adopted: embedded.adopted, runAs: embedded.runAs },
    'embedded PostgreSQL answers',
  )
  return { connection: embedded.connection, description: embedded.cluster, stop: embedded.stop }
}

async function openGiven(url: string, log: Logger): Promise<OpenedDatabase> {
  const description = describeUrl(url)
  const connection = { connectionString: url, connectionTimeoutMillis: 5000 }
  const client = await connectPatiently(connection, description, log)
  try {
    await checkServer(client, description)
  } finally {
    await client.end()
  }
  return { connection, description, stop: async () => undefined }
}

async function connectPatiently(
  connection: pg.ClientConfig,
  description: string,
  log: Logger,
): Promise<pg.Client> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const client = new pg.Client(connection)
    client.on('error', () => undefined)
    try {
      await client.connect()
      return client
    } catch (error) {
      await client.end().catch(() => undefined)
      const reason = describeReason(error)
      if (!isPassing(error) || Date.now() > deadline) {
        throw new DatabaseUnusableError(`${description} can't be used: ${reason}`, { cause: error })
      }
      log.warn({ database: description, reason }, 'waiting for the database')
    }
    await sleep(1000)
  }
}

async function checkServer(client: pg.Client, description: string): Promise<void> {
  const { rows } = await client.query<{ version: number; encoding: string }>(
    `SELECT current_setting('server_version_num')::integer AS version,
            current_setting('server_encoding') AS encoding`,
  )
  const { version, encoding } = rows[0] ?? { version: 0, encoding: '' }
  const major = Math.floor(version / 10_000)
  if (major < oldestMajor) {
    throw new DatabaseUnusableError(
      `${description} is PostgreSQL ${major}; Basalt needs ${oldestMajor} or later.`,
    )
  }
  if (encoding !== 'UTF8') {
    throw new DatabaseUnusableError(`${description} has the encoding ${encoding}; Basalt needs UTF8.`)
  }
}

const passingCodes = /^(ECONNREFUSED|ECONNRESET|ENOENT|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH)$/

/** Waiting helps while it starts or is unreachable; not with a refused login, an unknown database, a certificate. */
function isPassing(error: unknown): boolean {
  const state = sqlState(error)
  if (state !== undefined) return state.startsWith('57') || state.startsWith('53')
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return passingCodes.test(error.code)
  }
  return /terminated|timeout/i.test(describeReason(error))
}

/** A host with several addresses fails with one error for each, and an empty message. */
function describeReason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describeReason).join('; ')
  return error instanceof Error ? error.message : String(error)
}

function describeUrl(url: string): string {
  const { hostname, port, pathname, searchParams } = new URL(url)
  const host = searchParams.get('host') ?? decodeURIComponent(hostname)
  return `${host}${port === '' ? '' : `:${port}`}${pathname}`
}
