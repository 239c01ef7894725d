import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { CliFault } from './fault.ts'
import { packageRoot } from './package-root.ts'
import { isRecord } from './private-file.ts'
import { note } from './terminal.ts'

/** A server that this command has started, and stops. */
export interface ServerProcess {
  /** Rejects if the server ends before anybody stops it. */
  readonly ended: Promise<never>
  stop(): Promise<void>
}

interface ServerOptions {
  url: string
  dataDir: string
  operator: { email: string; password: string }
  /** Where debuggers reach functions. */
  inspect?: string | undefined
}

/** As `basalt start` does it; resolves once it serves. What it has to say goes to the standard error. */
export async function runServer({ url, dataDir, operator, inspect }: ServerOptions): Promise<ServerProcess> {
  const { hostname, port } = new URL(url)
  const source = join(packageRoot, 'src/main.ts')
  const main = existsSync(source) ? source : join(packageRoot, 'dist/main.js')
  const child = spawn(process.execPath, [main], {
    // A group of its own: Ctrl-C is for this command, which stops the server when it has finished with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      BASALT_LOG_LEVEL: 'warn',
      ...serverEnvironment(),
      BASALT_HOST: hostname.replaceAll(/^\[|\]$/g, ''),
      BASALT_PORT: port || '80',
      BASALT_DATA_DIR: dataDir,
      BASALT_OPERATOR_EMAIL: operator.email,
      BASALT_OPERATOR_PASSWORD: operator.password,
      ...(inspect !== undefined && { BASALT_INSPECT: inspect }),
    },
  })
  let isStopping = false
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(1))
    child.once('exit', resolve)
  })
  const serves = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('Basalt serves at ')) resolve()
      else if (line.startsWith('{')) note(`server: ${readLogLine(line)}`)
    })
  })
  // A command that ends by a fault of its own leaves nothing running.
  const killWithProcess = (): void => void child.kill('SIGTERM')
  process.once('exit', killWithProcess)
  const ended = exited.then((code): Promise<never> => {
    process.off('exit', killWithProcess)
    if (isStopping) return new Promise(() => undefined)
    throw new CliFault(`The server has ended by itself (exit code ${code}).`)
  })
  // Whoever doesn't wait for it yet will.
  ended.catch(() => undefined)
  await Promise.race([serves, ended])
  return {
    ended,
    async stop() {
      isStopping = true
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** What is the command line's own is nothing to the server, which refuses a BASALT_ variable that it doesn't know. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const {
    BASALT_TOKEN: _token,
    BASALT_URL: _url,
    BASALT_PROJECT: _project,
    BASALT_KEY: _key,
    ...env
  } = process.env
  return env
}

function readLogLine(line: string): string {
  try {
    const entry: unknown = JSON.parse(line)
    if (!isRecord(entry)) return line
    const cause = isRecord(entry['err']) ? entry['err']['message'] : undefined
    return [entry['msg'], cause].filter((part) => typeof part === 'string').join(': ')
  } catch {
    return line
  }
}
