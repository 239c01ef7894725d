import { createLogger } from '../../src/platform/logging.ts'
import { readConfig } from '../../src/config.ts'
import { type RunningServer, startServer } from '../../src/start-server.ts'
import { createTestDatabase } from './database.ts'

export interface TestServer extends RunningServer {
  url: string
  /** A bearer token of the first operator, who owns everything. */
  operator: string
  /** Calls with JSON in and out. */
  call(method: string, path: string, options?: CallOptions): Promise<CallResult>
  createProject(name?: string): Promise<TestProject>
}

export interface CallOptions {
  /** A publishable key, secret key or token. */
  as?: string | undefined
  body?: unknown
  headers?: Record<string, string>
}

export interface CallResult {
  status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of any shape
  body: any
  headers: Headers
}

export interface TestProject {
  ref: string
  publishable: string
  secret: string
  /** Calls a path below the project. */
  call(method: string, path: string, options?: CallOptions): Promise<CallResult>
  defineCollection(name: string, definition?: object): Promise<void>
}

const credentials = { email: 'ada@example.com', password: 'correct horse battery' }

/** The whole server on a database of its own. Stop it in `afterAll`. */
export async function startTestServer(env: Record<string, string> = {}): Promise<TestServer> {
  const database = await createTestDatabase()
  const server = await startOn(database.url, env)
  const stop = server.stop
  return Object.assign(server, {
    async stop() {
      await stop()
      await database.drop()
    },
  })
}

/** A server on a database that is there already: a second node. */
export async function startOn(databaseUrl: string, env: Record<string, string> = {}): Promise<TestServer> {
  const config = readConfig({
    BASALT_PORT: '0',
    BASALT_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
    BASALT_RATE_LIMITS: 'off',
    // Tests share their event loop with the server and with others' servers.
    BASALT_LIMIT_EVENT_LOOP_DELAY_MS: '60000',
    BASALT_LOG_LEVEL: 'error',
    BASALT_OPERATOR_EMAIL: credentials.email,
    BASALT_OPERATOR_PASSWORD: credentials.password,
    DATABASE_URL: databaseUrl,
    ...env,
  })
  const server = await startServer(config, createLogger(config.logLevel))
  const call = caller(server.address)
  const signedIn = await call('POST', '/v1/operators/sign-in', { body: credentials })
  const operator: string = signedIn.body.token
  return Object.assign(server, {
    url: server.address,
    operator,
    call,
    async createProject(name = 'Test') {
      const { status, body } = await call('POST', '/v1/projects', { as: operator, body: { name } })
      if (status !== 201) throw new Error(JSON.stringify(body))
      return testProject(call, body.project.ref, body.keys)
    },
  })
}

function testProject(
  call: TestServer['call'],
  ref: string,
  keys: { publishable: string; secret: string },
): TestProject {
  const below = (method: string, path: string, options?: CallOptions) =>
    call(method, `/v1/projects/${ref}${path}`, { as: keys.secret, ...options })
  return {
    ref,
    ...keys,
    call: below,
    async defineCollection(name, definition = {}) {
      const { status, body } = await below('PUT', `/collections/${name}`, { body: definition })
      if (status >= 300) throw new Error(JSON.stringify(body))
    },
  }
}

function caller(address: string): TestServer['call'] {
  return async (method, path, { as, body, headers = {} } = {}) => {
    const response = await fetch(address + path, {
      method,
      headers: {
        ...(as?.startsWith('pk_')
          ? { 'x-api-key': as }
          : as === undefined
            ? {}
            : { authorization: `Bearer ${as}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: parse(text) }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
