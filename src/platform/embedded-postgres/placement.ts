import { createHash } from 'node:crypto'
import { chmod, chown, lstat, mkdir, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Logger } from '../logging.ts'
import { type Binaries, copyBinaries, findBinaries } from './binaries.ts'
import { EmbeddedPostgresError } from './failure.ts'
import { canReach, type RunAs } from './run-as.ts'

/** Where everything lies, all of it within reach of the user that PostgreSQL runs as. */
export interface Placement {
  readonly binaries: Binaries
  /** The folder that holds the cluster; the server's data folder if PostgreSQL can reach it. */
  readonly home: string
  readonly cluster: string
  readonly sockets: string
}

// What PostgreSQL can't reach below a closed home goes here.
const systemFolder = '/var/lib/basalt'

// sun_path has 108 bytes on Linux with its closing zero, 104 on macOS.
const longestSocketPath = process.platform === 'linux' ? 107 : 103

/** Makes the folders, or throws an `EmbeddedPostgresError` that says what stands in the way. */
export async function prepareFolders(dataDir: string, runAs: RunAs, log: Logger): Promise<Placement> {
  await makeFolder(dataDir)
  const data = await realpath(dataDir)
  // Another account must be able to pass through; what lies inside has its own modes.
  if ((await lstat(data)).uid === process.getuid?.())
    await chmod(data, runAs.kind === 'account' ? 0o711 : 0o700)
  const binaries = await placeBinaries(data, runAs, log)
  const home = await placeHome(data, runAs, log)
  return { binaries, home, cluster: join(home, 'postgres'), sockets: await placeSockets(home, runAs) }
}

/** Makes a path's owner the one that PostgreSQL runs as; only root can, and only root has to. */
export async function giveTo(runAs: RunAs, path: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  await chown(path, ownerOf(runAs), runAs.kind === 'account' ? runAs.gid : 0)
}

/** The user number that PostgreSQL's files have on disk. */
export function ownerOf(runAs: RunAs): number {
  return runAs.kind === 'account' ? runAs.uid : (process.getuid?.() ?? 0)
}

async function placeBinaries(data: string, runAs: RunAs, log: Logger): Promise<Binaries> {
  const binaries = await findBinaries(join(data, 'cache'))
  if (canReach(runAs, join(binaries.folder, 'bin/postgres'), 'execute')) return binaries
  const copy = await copyBinaries(binaries, systemFolder)
  log.warn({ from: binaries.folder, to: copy.folder }, 'PostgreSQL cannot reach its programs: using a copy')
  return copy
}

async function placeHome(data: string, runAs: RunAs, log: Logger): Promise<string> {
  const access = runAs.kind === 'account' ? 'execute' : 'write'
  if (canReach(runAs, data, access)) return data
  if (runAs.kind === 'self') throw new EmbeddedPostgresError(`The data folder ${data} is not writable.`)
  if (await exists(join(data, 'postgres'))) {
    throw new EmbeddedPostgresError(
      `PostgreSQL can't run as root here, and the database in ${data} is out of reach for any other account. Move the data folder to where one can get, for example below ${systemFolder}, and set BASALT_DATA_DIR.`,
    )
  }
  const home = join(systemFolder, shortHash(data))
  await mkdir(systemFolder, { recursive: true, mode: 0o755 })
  await makeFolder(home)
  await giveTo(runAs, home)
  log.warn({ from: data, to: home }, 'PostgreSQL cannot reach the data folder: the database lies elsewhere')
  return home
}

/** A private folder with a short name: whoever can reach the socket is let in without a password. */
async function placeSockets(home: string, runAs: RunAs): Promise<string> {
  const beside = join(home, 'run')
  const folder = isShortEnough(beside) ? beside : join(shortTemporaryFolder(), `basalt-${shortHash(home)}`)
  await mkdir(folder, { mode: 0o700 }).catch(ignoreExisting)
  // In a folder that everybody may write to, someone else may have been there first.
  if (folder !== beside) await checkOwner(folder, [0, ownerOf(runAs)])
  await giveTo(runAs, folder)
  await chmod(folder, 0o700)
  return folder
}

async function checkOwner(folder: string, owners: number[]): Promise<void> {
  const found = await lstat(folder)
  if (found.isDirectory() && owners.includes(found.uid)) return
  throw new EmbeddedPostgresError(`${folder} belongs to someone else; it must be private to this server.`)
}

function isShortEnough(folder: string): boolean {
  return Buffer.byteLength(join(folder, '.s.PGSQL.5432')) <= longestSocketPath
}

function shortTemporaryFolder(): string {
  const folder = tmpdir()
  return isShortEnough(join(folder, 'basalt-0123456789abcdef')) ? folder : '/tmp'
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(dirname(folder), { recursive: true })
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new EmbeddedPostgresError(`The data folder ${folder} can't be made: ${reason}`, { cause })
  }
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
