import { spawnSync } from 'node:child_process'
import { access, constants, lstat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { type Config, readConfig } from './config.ts'
import { ConfigError } from './environment.ts'
import { probeProtection } from './functions/runtime/probe-protection.ts'
import { findBinaries } from './platform/embedded-postgres/binaries.ts'
import { canReach, chooseRunAs, commandFor, type RunAs } from './platform/embedded-postgres/run-as.ts'

/** One thing that was looked at. `advice` says what to do about it. */
export interface HostCheck {
  name: string
  status: 'ok' | 'warning' | 'fault'
  detail: string
  advice?: string
}

/** What a server that is started here with this environment would find. Changes nothing. */
export async function checkHost(): Promise<HostCheck[]> {
  const runtime = checkRuntime()
  let config: Config
  try {
    config = readConfig()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const advice = 'docs/operations.md lists every variable.'
    return [runtime, { name: 'configuration', status: 'fault', detail: error.message, advice }]
  }
  const database = config.databaseUrl === undefined ? checkEmbedded(config) : checkGiven(config.databaseUrl)
  return [
    runtime,
    ok('configuration', 'understood'),
    await checkDataFolder(config),
    await checkDisk(config),
    ...(await database),
    await checkProtection(config),
    await checkPort(config),
    checkClock(new Date()),
  ]
}

const ok = (name: string, detail: string): HostCheck => ({ name, status: 'ok', detail })
const fault = (name: string, detail: string, advice: string): HostCheck => ({
  name,
  status: 'fault',
  detail,
  advice,
})
const warning = (name: string, detail: string, advice: string): HostCheck => ({
  name,
  status: 'warning',
  detail,
  advice,
})

const oldestNode = 26

function checkRuntime(): HostCheck {
  const detail = `Node ${process.versions.node} on ${process.platform}-${process.arch}`
  if (Number(process.versions.node.split('.')[0]) >= oldestNode) return ok('runtime', detail)
  return fault(
    'runtime',
    detail,
    `Basalt needs Node ${oldestNode}. The npm package "node" brings it: install again.`,
  )
}

async function checkDataFolder({ dataDir, databaseUrl, masterKey }: Config): Promise<HostCheck> {
  const name = 'data folder'
  if (databaseUrl !== undefined && masterKey !== undefined) return ok(name, 'not needed')
  const stats = await lstat(dataDir).catch(() => undefined)
  const folder = stats === undefined ? await nearestFolder(dataDir) : dataDir
  const isWritable = await access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
  if (!isWritable) {
    return fault(
      name,
      `${folder} is not writable`,
      'Give it to the user that runs the server, or set BASALT_DATA_DIR.',
    )
  }
  if (stats === undefined) return ok(name, `${dataDir}, which the first start makes`)
  if (!stats.isDirectory() && !stats.isSymbolicLink()) {
    return fault(name, `${dataDir} is no folder`, 'Move it away, or set BASALT_DATA_DIR.')
  }
  if ((stats.mode & 0o006) !== 0) {
    return warning(name, `${dataDir} is open to every account of this machine`, `chmod 700 ${dataDir}`)
  }
  return ok(name, dataDir)
}

const gibibyte = 1024 ** 3

async function checkDisk({ dataDir, databaseUrl }: Config): Promise<HostCheck> {
  if (databaseUrl !== undefined) return ok('disk', 'the database is elsewhere')
  const { bavail, bsize } = await statfs(await nearestFolder(dataDir))
  const free = (bavail * bsize) / gibibyte
  const detail = `${free.toFixed(1)} GiB free`
  if (free < 0.1) return fault('disk', detail, 'Free some space: PostgreSQL stops when it runs out.')
  if (free < 1) return warning('disk', detail, 'Free some space, or move the data folder (BASALT_DATA_DIR).')
  return ok('disk', detail)
}

/** The folder itself, or the first above it that there is. */
async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((await lstat(folder).catch(() => undefined)) !== undefined || folder === dirname(folder))
      return folder
  }
}

async function checkEmbedded({ dataDir }: Config): Promise<HostCheck[]> {
  const name = 'PostgreSQL'
  try {
    const runAs = chooseRunAs({ avoidNamespace: false })
    const binaries = await findBinaries(join(dataDir, 'cache'))
    const program = join(binaries.folder, 'bin/postgres')
    const { file, args, options } = commandFor(runAs, program, ['--version'])
    // Out of reach it is copied at the start.
    if (canReach(runAs, program, 'execute')) {
      const result = spawnSync(file, args, { ...options, encoding: 'utf8', timeout: 10_000 })
      if (result.status !== 0) {
        return [
          fault(
            name,
            `does not run: ${result.stderr.trim()}`,
            'The embedded one needs glibc; or set DATABASE_URL.',
          ),
        ]
      }
    }
    return [ok(name, `embedded, ${binaries.version}`), ok('its process', describeRunAs(runAs))]
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return [fault(name, detail, 'Install again with optional dependencies, or set DATABASE_URL.')]
  }
}

function describeRunAs(runAs: RunAs): string {
  switch (runAs.kind) {
    case 'self':
      return 'runs as the user of the server'
    case 'namespace':
      return 'runs in a user namespace, where it is not root'
    case 'account':
      return `runs as ${runAs.name}, since this host forbids user namespaces`
  }
}

interface DatabaseFacts {
  version: number
  encoding: string
  hasCube: boolean
  mayCreate: boolean
  now: Date
}

async function checkGiven(url: string): Promise<HostCheck[]> {
  const name = 'PostgreSQL'
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 5_000,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<DatabaseFacts>(
      `SELECT current_setting('server_version_num')::int AS version,
              current_setting('server_encoding') AS encoding,
              EXISTS (SELECT FROM pg_available_extensions WHERE name = 'cube') AS "hasCube",
              has_database_privilege(current_database(), 'CREATE') AS "mayCreate",
              clock_timestamp() AS now`,
    )
    const [facts] = rows
    return facts === undefined ? [] : [judgeDatabase(name, facts), checkClock(new Date(), facts.now)]
  } catch (error) {
    // The message of a refused connection names host and port, never the password.
    const detail = error instanceof Error ? error.message || 'does not answer' : String(error)
    return [
      fault(name, detail, 'Look at DATABASE_URL, and whether the database is running and lets this host in.'),
    ]
  } finally {
    await client.end().catch(() => undefined)
  }
}

function judgeDatabase(name: string, { version, encoding, hasCube, mayCreate }: DatabaseFacts): HostCheck {
  const detail = `${Math.floor(version / 10_000)}.${version % 10_000}, ${encoding}`
  if (version < 150_000) return fault(name, detail, 'Basalt needs PostgreSQL 15 or later.')
  if (encoding !== 'UTF8') return fault(name, detail, 'Make a database with ENCODING UTF8.')
  if (!hasCube)
    return fault(
      name,
      `${detail}, without cube`,
      'Install the extensions that come with PostgreSQL (contrib).',
    )
  if (!mayCreate)
    return fault(
      name,
      `${detail}, and the role may not create schemas`,
      'Make the role the owner of the database.',
    )
  return ok(name, detail)
}

/** What stands around the functions of projects: tried out, since many things may forbid it. */
async function checkProtection({ functionProtection: wanted }: Config): Promise<HostCheck> {
  const name = 'protection'
  const kind = await probeProtection(wanted)
  if (kind === 'namespaces')
    return ok(name, 'functions run in namespaces of their own, without network and files')
  const advice =
    process.platform === 'linux'
      ? 'Allow user namespaces (kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0; in Docker a seccomp profile that lets unshare through).'
      : 'Run it on Linux in production.'
  if (kind !== undefined) return warning(name, `functions are held by workerd alone (${kind})`, advice)
  if (wanted === 'auto') return warning(name, 'functions do not run here: workerd does not start', advice)
  return fault(name, `functions do not run here: this host does not grant ${wanted}`, advice)
}

async function checkPort({ host, port }: Config): Promise<HostCheck> {
  const name = 'port'
  if (port === 0) return ok(name, 'any free one')
  const taken = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const probe = createServer().once('error', resolve)
    probe.listen(port, host, () => probe.close(() => resolve(undefined)))
  })
  if (taken === undefined) return ok(name, `${port} of ${host} is free`)
  if (taken.code === 'EADDRINUSE') {
    if (await isBasalt(host, port)) return ok(name, `${port} of ${host}: a Basalt server answers`)
    return fault(
      name,
      `${port} of ${host} is taken by another program`,
      'Stop it, or choose another port with BASALT_PORT.',
    )
  }
  if (taken.code === 'EACCES') {
    return fault(
      name,
      `${port} is not for everybody`,
      'Ports below 1024 need a privilege: put a proxy before the server.',
    )
  }
  return fault(name, `${host} can't be listened on (${taken.code})`, 'Look at BASALT_HOST.')
}

async function isBasalt(host: string, port: number): Promise<boolean> {
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host
  try {
    const answer = await fetch(`http://${reachable}:${port}/healthz`, { signal: AbortSignal.timeout(2_000) })
    return answer.ok && answer.headers.has('x-request-id')
  } catch {
    return false
  }
}

// Tokens live 15 minutes, and codes of authenticator apps half of one.
const clockToleranceMs = 5_000
// Before this was written no clock can rightly be.
const earliest = Date.UTC(2026, 0)

function checkClock(here: Date, there?: Date): HostCheck {
  const advice = 'Set the clock, and keep it right with NTP: sign-ins depend on it.'
  if (here.getTime() < earliest) return fault('clock', here.toISOString(), advice)
  if (there === undefined) return ok('clock', here.toISOString())
  const apart = Math.abs(here.getTime() - there.getTime())
  if (apart <= clockToleranceMs) return ok('its clock', 'the same as here')
  return fault('its clock', `${Math.round(apart / 1000)} seconds apart from here`, advice)
}
