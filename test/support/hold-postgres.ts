import pino from 'pino'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres/start-embedded-postgres.ts'

/** Run by `startPostgresProcess`: starts an embedded PostgreSQL, reports in one line, stops it on SIGTERM. */
const [dataDir = '', ...flags] = process.argv.slice(2)
try {
  const { stop, ...postgres } = await startEmbeddedPostgres({
    dataDir,
    log: pino({ level: 'silent' }),
    avoidNamespace: flags.includes('--avoid-namespace'),
  })
  process.once('SIGTERM', () => void stop().then(() => process.exit(0)))
  console.log(JSON.stringify(postgres))
} catch (error) {
  console.log(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }))
}
