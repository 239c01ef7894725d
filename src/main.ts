import { type Config, readConfig } from './config.ts'
import { ConfigError } from './environment.ts'
import { createLogger, type Logger } from './platform/logging.ts'
import { type RunningServer, startServer } from './start-server.ts'
import { describeFirstStart, describeStart } from './welcome.ts'

// Requests that were taken are finished; what hangs longer than this is cut off.
const stopWithinMs = 20_000

process.title = 'basalt'
const config = configOrExit()
const log = createLogger(config.logLevel)
process.on('unhandledRejection', (reason) =>
  log.error({ err: reason }, 'a promise failed and nobody waited for it'),
)

try {
  const server = await startServer(config, log)
  stopOnSignals(server, log)
  console.log(describeStart(server, config))
  console.log(describeFirstStart(server.firstStart, config))
} catch (error) {
  exitWith(1, error instanceof Error ? error.message : String(error), error)
}

function configOrExit(): Config {
  try {
    return readConfig()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(error.message)
    process.exit(2)
  }
}

function stopOnSignals(server: RunningServer, log: Logger): void {
  let askedAt: number | undefined
  const stop = (signal: NodeJS.Signals): void => {
    // Whoever asks twice doesn't want to wait. But what a whole group is sent comes from the launcher once more.
    if (askedAt !== undefined) {
      if (performance.now() - askedAt > 300) process.exit(1)
      return
    }
    askedAt = performance.now()
    log.info({ signal }, 'stopping')
    setTimeout(() => exitWith(1, 'Some requests did not end in time.'), stopWithinMs).unref()
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => exitWith(1, 'Could not stop in order.', error),
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // The terminal was closed.
  process.on('SIGHUP', stop)
}

/** People get a sentence; the log, which may be read later, gets the error. */
function exitWith(code: number, message: string, error?: unknown): void {
  if (error !== undefined) log.fatal({ err: error }, message)
  console.error(message)
  log.flush(() => process.exit(code))
  setTimeout(() => process.exit(code), 500)
}
