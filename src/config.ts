import { resolve } from 'node:path'
import { EnvironmentReader } from './environment.ts'

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

const protections = ['auto', 'namespaces', 'no-new-privileges', 'none'] as const

/** What the process was told, validated and frozen. Nothing else reads the environment. */
export interface Config {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Absolute. */
  readonly dataDir: string
  /** Without a slash at the end. Links are built from it, never from a request header. */
  readonly publicUrl: string
  /** Undefined: the embedded PostgreSQL. */
  readonly databaseUrl: string | undefined
  /** 32 bytes in base64. Undefined: the one in the data folder. */
  readonly masterKey: string | undefined
  /** The one before it, while it is being changed: what was made with it stays good. */
  readonly previousMasterKey: string | undefined
  readonly operator: { readonly email: string; readonly password: string } | undefined
  /** Addresses and CIDR ranges whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[]
  /** Addresses and CIDR ranges that outbound requests may reach although they are private. */
  readonly outboundAllow: readonly string[]
  /** For mails of projects without SMTP settings of their own. Undefined: those mails stay in the outbox. */
  readonly smtp: { readonly url: string; readonly from: string } | undefined
  readonly rateLimits: boolean
  readonly logLevel: (typeof logLevels)[number]
  /** What must stand around processes of functions; `auto`: the most that the host grants. */
  readonly functionProtection: (typeof protections)[number]
  /** Where debuggers reach functions. For development: on this machine alone. */
  readonly inspect: { readonly host: string; readonly port: number } | undefined
  /** How long the change log reaches back: what is older than `days`, or beyond `maxRows` in a project, goes. */
  readonly changeRetention: { readonly days: number; readonly maxRows: number }
  /** How long tasks that ended are shown: those that are dead for longer, and of a project no more than `maxRows`. */
  readonly taskRetention: { readonly days: number; readonly deadDays: number; readonly maxRows: number }
  readonly limits: Limits
}

/** The bounds of what one request may ask for. A project's own settings may lower some of them. */
export interface Limits {
  readonly bodyBytes: number
  readonly documentBytes: number
  readonly documentDepth: number
  readonly documentFields: number
  readonly pageDefault: number
  readonly pageMax: number
  readonly transactionOperations: number
  readonly filterDepth: number
  readonly filterTerms: number
  readonly filterInValues: number
  readonly statementMs: number
  /** How late the event loop may be before requests are turned away; a busy machine that starts a process is late too. */
  readonly eventLoopDelayMs: number
  readonly requestsPerSecondByAddress: number
  readonly requestsPerSecondByProject: number
  readonly mailsPerHourByProject: number
  readonly taskPayloadBytes: number
  /** Of a message to a topic, which is kept once for each function that hears of it. */
  readonly topicMessageBytes: number
  /** Tasks that run at once on one node. */
  readonly tasksAtOnce: number
  /** Tasks of one project that run at once, on all nodes together: fewer than functions may, so that calls find room. */
  readonly tasksAtOnceByProject: number
  /** Tasks of one project that have not ended. */
  readonly waitingTasksByProject: number
  readonly schedulesByProject: number
  /** Open at once on this node. */
  readonly sockets: number
  /** Of these, of one address. */
  readonly socketsByAddress: number
  /** A socket says who it is within so long. */
  readonly socketAuthMs: number
  /** How often a socket is pinged; whoever has not answered by the next ping is gone. */
  readonly socketPingMs: number
  /** A socket that follows nothing for so long is closed. */
  readonly socketIdleMs: number
  readonly subscriptionsPerSocket: number
  readonly socketMessagesPerSecond: number
  readonly socketMessageBytes: number
  /** What is kept for a reader that doesn't read. */
  readonly socketBufferBytes: number
  /** Of one function; what a process of several may take is three times this. */
  readonly functionMemoryBytes: number
  /** For callable and HTTP functions, and the most that one may ask for. */
  readonly functionMs: number
  readonly functionHookMs: number
  /** Calls at once of a project, on this node. */
  readonly functionCalls: number
  /** A process without calls is ended after so long. */
  readonly functionIdleMs: number
  /** The files of one deployment. */
  readonly deploymentBytes: number
  /** How many seconds' worth of requests may come at once. */
  readonly burstFactor: number
}

/**
 * Reads and validates the environment.
 * Throws a `ConfigError` that lists every fault, unknown `BASALT_…` variables included.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const read = new EnvironmentReader(env)
  const host = read.text('BASALT_HOST') ?? '127.0.0.1'
  const port = read.integer('BASALT_PORT', { default: 4000, min: 0, max: 65_535 })
  const config: Config = {
    host,
    port,
    dataDir: resolve(read.text('BASALT_DATA_DIR') ?? '.basalt'),
    publicUrl: readPublicUrl(read) ?? `http://${reachableHost(host)}:${port}`,
    databaseUrl: readDatabaseUrl(read),
    masterKey: readMasterKey(read, 'BASALT_MASTER_KEY'),
    previousMasterKey: readMasterKey(read, 'BASALT_MASTER_KEY_PREVIOUS'),
    operator: readOperator(read),
    trustedProxies: Object.freeze(read.networks('BASALT_TRUSTED_PROXIES')),
    outboundAllow: Object.freeze(read.networks('BASALT_OUTBOUND_ALLOW')),
    smtp: readSmtp(read),
    rateLimits: read.choice('BASALT_RATE_LIMITS', ['on', 'off'], 'on') === 'on',
    logLevel: read.choice('BASALT_LOG_LEVEL', logLevels, 'info'),
    functionProtection: read.choice('BASALT_FUNCTION_PROTECTION', protections, 'auto'),
    inspect: readInspect(read, host),
    changeRetention: Object.freeze({
      days: read.integer('BASALT_CHANGE_RETENTION_DAYS', { default: 7, min: 1, max: 3650 }),
      maxRows: read.integer('BASALT_CHANGE_RETENTION_ROWS', { default: 1_000_000, min: 1000, max: 1e9 }),
    }),
    taskRetention: Object.freeze({
      days: read.integer('BASALT_TASK_RETENTION_DAYS', { default: 7, min: 1, max: 3650 }),
      deadDays: read.integer('BASALT_TASK_RETENTION_DEAD_DAYS', { default: 30, min: 1, max: 3650 }),
      maxRows: read.integer('BASALT_TASK_RETENTION_ROWS', { default: 100_000, min: 100, max: 1e9 }),
    }),
    limits: readLimits(read),
  }
  read.finish('BASALT_')
  return Object.freeze(config)
}

function readLimits(read: EnvironmentReader): Limits {
  const limit = (name: string, fallback: number, max: number): number =>
    read.integer(`BASALT_LIMIT_${name}`, { default: fallback, min: 1, max })
  const limits: Limits = {
    bodyBytes: limit('BODY_BYTES', 1024 * 1024, 64 * 1024 * 1024),
    documentBytes: limit('DOCUMENT_BYTES', 1024 * 1024, 16 * 1024 * 1024),
    // The depth is walked by recursion, so it stays small whatever the operator wishes.
    documentDepth: limit('DOCUMENT_DEPTH', 20, 100),
    documentFields: limit('DOCUMENT_FIELDS', 1024, 100_000),
    pageDefault: limit('PAGE_DEFAULT', 50, 10_000),
    pageMax: limit('PAGE_MAX', 500, 10_000),
    transactionOperations: limit('TRANSACTION_OPERATIONS', 100, 10_000),
    filterDepth: limit('FILTER_DEPTH', 8, 50),
    filterTerms: limit('FILTER_TERMS', 64, 1000),
    filterInValues: limit('FILTER_IN_VALUES', 256, 10_000),
    statementMs: limit('STATEMENT_MS', 5000, 600_000),
    eventLoopDelayMs: limit('EVENT_LOOP_DELAY_MS', 1000, 600_000),
    requestsPerSecondByAddress: limit('REQUESTS_BY_ADDRESS', 50, 1_000_000),
    requestsPerSecondByProject: limit('REQUESTS_BY_PROJECT', 1000, 1_000_000),
    mailsPerHourByProject: limit('MAILS_BY_PROJECT', 100, 1_000_000),
    sockets: limit('SOCKETS', 20_000, 1_000_000),
    socketsByAddress: limit('SOCKETS_BY_ADDRESS', 1_000, 1_000_000),
    socketAuthMs: limit('SOCKET_AUTH_MS', 10_000, 600_000),
    socketPingMs: limit('SOCKET_PING_MS', 30_000, 600_000),
    socketIdleMs: limit('SOCKET_IDLE_MS', 300_000, 86_400_000),
    subscriptionsPerSocket: limit('SUBSCRIPTIONS_BY_SOCKET', 100, 10_000),
    socketMessagesPerSecond: limit('SOCKET_MESSAGES', 50, 100_000),
    socketMessageBytes: limit('SOCKET_MESSAGE_BYTES', 64 * 1024, 16 * 1024 * 1024),
    socketBufferBytes: limit('SOCKET_BUFFER_BYTES', 1024 * 1024, 1024 * 1024 * 1024),
    functionMemoryBytes: limit('FUNCTION_MEMORY_BYTES', 128 * 1024 * 1024, 4 * 1024 * 1024 * 1024),
    functionMs: limit('FUNCTION_MS', 30_000, 900_000),
    functionHookMs: limit('FUNCTION_HOOK_MS', 5_000, 60_000),
    functionCalls: limit('FUNCTION_CALLS', 16, 1_000),
    functionIdleMs: limit('FUNCTION_IDLE_MS', 300_000, 86_400_000),
    deploymentBytes: limit('DEPLOYMENT_BYTES', 16 * 1024 * 1024, 256 * 1024 * 1024),
    taskPayloadBytes: limit('TASK_PAYLOAD_BYTES', 256 * 1024, 16 * 1024 * 1024),
    topicMessageBytes: limit('TOPIC_MESSAGE_BYTES', 64 * 1024, 1024 * 1024),
    tasksAtOnce: limit('TASKS_AT_ONCE', 256, 10_000),
    tasksAtOnceByProject: limit('TASKS_AT_ONCE_BY_PROJECT', 12, 10_000),
    waitingTasksByProject: limit('WAITING_TASKS_BY_PROJECT', 1_000_000, 1_000_000_000),
    schedulesByProject: limit('SCHEDULES_BY_PROJECT', 200, 100_000),
    burstFactor: limit('BURST_FACTOR', 2, 100),
  }
  if (limits.pageDefault > limits.pageMax) {
    read.fault('BASALT_LIMIT_PAGE_DEFAULT must not be above BASALT_LIMIT_PAGE_MAX.')
  }
  return Object.freeze(limits)
}

function readPublicUrl(read: EnvironmentReader): string | undefined {
  const url = read.url('BASALT_PUBLIC_URL', ['http:', 'https:'], 'https://api.example.com')
  if (url === undefined) return undefined
  if (url.search !== '' || url.hash !== '' || url.username !== '') {
    read.fault('BASALT_PUBLIC_URL must have no query, fragment or user name.')
  }
  return url.href.replace(/\/+$/, '')
}

const loopback = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[?::1\]?)$/

/** A debugger runs any code in functions, past all that protects them: never on a server that others reach. */
function readInspect(read: EnvironmentReader, serverHost: string): Config['inspect'] {
  const text = read.text('BASALT_INSPECT')
  if (text === undefined) return undefined
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  if (!loopback.test(host) || Number(port) > 65_535) {
    read.fault('BASALT_INSPECT must be an address of this machine alone, such as 127.0.0.1:9229.')
    return undefined
  }
  if (!loopback.test(serverHost)) {
    read.fault('BASALT_INSPECT is for development: BASALT_HOST must be 127.0.0.1 with it.')
  }
  return Object.freeze({ host: host.replaceAll(/^\[|\]$/g, ''), port: Number(port) })
}

function readDatabaseUrl(read: EnvironmentReader): string | undefined {
  const url = read.url('DATABASE_URL', ['postgres:', 'postgresql:'], 'postgres://user@host:5432/database')
  return url?.href
}

function readSmtp(read: EnvironmentReader): Config['smtp'] {
  const url = read.url('BASALT_SMTP_URL', ['smtp:', 'smtps:'], 'smtp://user:password@mail.example.com:587')
  const from = read.text('BASALT_MAIL_FROM')
  if (from !== undefined && !/^[^\p{Cc}@]+@[^\p{Cc}\s@]+$/u.test(from)) {
    read.fault('BASALT_MAIL_FROM must be a sender such as Basalt <no-reply@example.com>.')
  }
  if (url !== undefined && from === undefined) {
    read.fault('BASALT_MAIL_FROM must be set with BASALT_SMTP_URL.')
  }
  return url === undefined || from === undefined ? undefined : Object.freeze({ url: url.href, from })
}

/** An address to listen on is not always one to connect to. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

function readMasterKey(
  read: EnvironmentReader,
  name: 'BASALT_MASTER_KEY' | 'BASALT_MASTER_KEY_PREVIOUS',
): string | undefined {
  const key = read.text(name)
  if (key === undefined) return undefined
  if (!/^[A-Za-z0-9+/]{43}=$/.test(key)) {
    read.fault(`${name} must be 32 random bytes in base64, as \`openssl rand -base64 32\` prints them.`)
  }
  return key
}

function readOperator(read: EnvironmentReader): { email: string; password: string } | undefined {
  const email = read.text('BASALT_OPERATOR_EMAIL')
  const password = read.text('BASALT_OPERATOR_PASSWORD')
  if (email === undefined && password === undefined) return undefined
  if (email === undefined || password === undefined) {
    read.fault('BASALT_OPERATOR_EMAIL and BASALT_OPERATOR_PASSWORD must be set together.')
    return undefined
  }
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) read.fault('BASALT_OPERATOR_EMAIL must be an e-mail address.')
  if (password.length < 8 || password.length > 128) {
    read.fault('BASALT_OPERATOR_PASSWORD must have 8 to 128 characters.')
  }
  return Object.freeze({ email, password })
}
