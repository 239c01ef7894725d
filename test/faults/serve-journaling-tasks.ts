import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig } from '../../src/config.ts'
import { createLogger } from '../../src/platform/logging.ts'
import { startServer } from '../../src/start-server.ts'

/** A server whose tasks write down each of their attempts, and then take as long as their payload says. */
const config = readConfig()
const server = await startServer(config, createLogger(config.logLevel))
process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)))

server.app.tasks.handle('function', async ({ task, signal }) => {
  await server.services.db.query('INSERT INTO attempts (id, attempt, pid) VALUES ($1, $2, $3)', [
    task.id,
    task.attempt,
    process.pid,
  ])
  await sleep((task.payload as { milliseconds: number }).milliseconds, undefined, { signal })
  await server.services.db.query('INSERT INTO effects (id) VALUES ($1) ON CONFLICT DO NOTHING', [task.id])
})
