import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Basalt, createClient, type Fetch } from '../../client-sdk/src/client.ts'
import { readConfig } from '../../src/config.ts'
import { createLogger } from '../../src/platform/logging.ts'
import { startServer } from '../../src/start-server.ts'
import { createTestDatabase } from '../support/database.ts'
import type { schema } from './blog.ts'

type BlogClient = Basalt<typeof schema>

export interface TestProject {
  /** With the secret key. */
  server: BlogClient
  /** With the publishable key. */
  app: BlogClient
  /** With the secret key, over a network of one's own. */
  serverOver(fetch: Fetch): BlogClient
}

export interface ProjectServer {
  createProject(): Promise<TestProject>
  stop(): Promise<void>
}

const operator = { email: 'operator@example.com', password: 'a long enough password' }

/** The whole server on a fresh database, with an operator who makes projects through the API. */
export async function serveProjects(): Promise<ProjectServer> {
  const database = await createTestDatabase()
  const dataDir = await mkdtemp(join(tmpdir(), 'basalt-'))
  const config = readConfig({
    BASALT_PORT: '0',
    BASALT_DATA_DIR: dataDir,
    DATABASE_URL: database.url,
    BASALT_OPERATOR_EMAIL: operator.email,
    BASALT_OPERATOR_PASSWORD: operator.password,
    BASALT_RATE_LIMITS: 'off',
    BASALT_LIMIT_EVENT_LOOP_DELAY_MS: '60000',
    BASALT_LOG_LEVEL: 'fatal',
  })
  const running = await startServer(config, createLogger(config.logLevel))
  const { token } = await post<{ token: string }>(`${running.address}/v1/operators/sign-in`, operator)
  const headers = { authorization: `Bearer ${token}` }
  const organization = { name: 'Testers' }
  await post(`${running.address}/v1/organizations`, organization, headers)

  return {
    async createProject() {
      const { project, keys } = await post<Created>(
        `${running.address}/v1/projects`,
        { name: 'Blog' },
        headers,
      )
      const connect = (key: string, fetch?: Fetch): BlogClient =>
        createClient({ url: running.address, project: project.ref, key, ...(fetch && { fetch }) })
      return {
        server: connect(keys.secret),
        app: connect(keys.publishable),
        serverOver: (fetch) => connect(keys.secret, fetch),
      }
    },
    async stop() {
      await running.stop()
      await database.drop()
      await rm(dataDir, { recursive: true })
    },
  }
}

interface Created {
  project: { ref: string }
  keys: { publishable: string; secret: string }
}

async function post<T>(url: string, body: object, headers: Record<string, string> = {}): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}
