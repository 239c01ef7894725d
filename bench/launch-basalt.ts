import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { call } from './call.ts'
import { type Process, startProcess } from './start-process.ts'
import { untilReady } from './until-ready.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const operator = { email: 'bench@example.com', password: 'only for the bench' }

/** Compiles the server as it is published: what is measured is what people install. */
export function buildBasalt(): void {
  execFileSync('npm', ['run', 'build', '--silent'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
}

/** What the server is started with everywhere. */
export const nodeFlags = ['--max-semi-space-size=8', '--heap-growing-percent=30', '--v8-pool-size=0']

interface LaunchOptions {
  /** For who is to find it again; 0 is any. */
  port?: number
  env?: Record<string, string>
}

/** Starts the server on a data folder, as a process like in production; gives back how long it took to answer. */
export async function launchBasalt(
  dataDir: string,
  { port = 0, env = {} }: LaunchOptions = {},
): Promise<Process & { milliseconds: number }> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(BASALT_|DATABASE_URL$)/.test(name))
  const before = performance.now()
  const server = await startProcess({
    file: process.execPath,
    args: [...nodeFlags, 'dist/main.js'],
    cwd: root,
    env: {
      ...Object.fromEntries(inherited),
      NODE_ENV: 'production',
      BASALT_PORT: String(port),
      BASALT_DATA_DIR: dataDir,
      BASALT_RATE_LIMITS: 'off',
      BASALT_LOG_LEVEL: 'warn',
      BASALT_OPERATOR_EMAIL: operator.email,
      BASALT_OPERATOR_PASSWORD: operator.password,
      ...env,
    },
    ready: /^Basalt serves at (http:\S+)/,
  })
  await untilReady(`${server.found}/readyz`)
  return { ...server, milliseconds: performance.now() - before }
}

export interface BenchProject {
  ref: string
  publishable: string
  secret: string
}

/** A fresh project on the server at `url`. */
export async function createProject(url: string): Promise<BenchProject> {
  const { token } = await call<{ token: string }>(`${url}/v1/operators/sign-in`, {
    method: 'POST',
    body: operator,
  })
  const { project, keys } = await call<{
    project: { ref: string }
    keys: { publishable: string; secret: string }
  }>(`${url}/v1/projects`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: { name: 'Bench' },
  })
  return { ref: project.ref, ...keys }
}
