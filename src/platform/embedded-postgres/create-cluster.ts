import { spawn } from 'node:child_process'
import { chown, lstat, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { EmbeddedPostgresError, explainFailure } from './failure.ts'
import { giveTo, ownerOf, type Placement } from './placement.ts'
import { commandFor, type RunAs } from './run-as.ts'
import { renderSettings } from './settings.ts'

/** The superuser that `initdb` makes; the socket's folder is what guards it. */
export const superuser = 'basalt'

/** Makes the cluster if there is none, and brings its owner and settings up to date. */
export async function ensureCluster(place: Placement, runAs: RunAs): Promise<void> {
  const major = await readMajor(place.cluster)
  if (major === undefined) await createCluster(place, runAs)
  else if (major !== place.binaries.major) throw wrongMajor(place, major)
  await ensureOwner(place.cluster, runAs)
}

/** Not while PostgreSQL runs: it would read the half of it at a reload. */
export async function writeSettings(cluster: string): Promise<void> {
  await writeFile(join(cluster, 'postgresql.conf'), renderSettings())
}

async function readMajor(cluster: string): Promise<string | undefined> {
  const text = await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(() => undefined)
  return text?.trim()
}

/** `initdb` works in a folder of its own that takes its name when it is whole: a crash leaves no half cluster. */
async function createCluster(place: Placement, runAs: RunAs): Promise<void> {
  await removeAbandoned(place)
  const draft = await mkdtemp(`${place.cluster}.new-`)
  await giveTo(runAs, draft)
  try {
    await runInitdb(place, runAs, draft)
    await rename(draft, place.cluster)
    await syncFolder(dirname(place.cluster))
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    // Another server that started at the same moment was faster; which of the two may stay is decided later.
    if ((await readMajor(place.cluster)) === undefined) throw error
  }
}

/** Text is UTF-8 and compares by code point, on every platform in the same way. */
async function runInitdb(place: Placement, runAs: RunAs, folder: string): Promise<void> {
  const command = commandFor(runAs, join(place.binaries.folder, 'bin/initdb'), [
    `--pgdata=${folder}`,
    `--username=${superuser}`,
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
  ])
  const child = spawn(command.file, command.args, { ...command.options, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw await explainFailure(output, place.home)
}

/** What a server that was killed in its first second left behind. */
async function removeAbandoned(place: Placement): Promise<void> {
  const minuteAgo = Date.now() - 60_000
  for (const name of await readdir(place.home)) {
    const path = join(place.home, name)
    if (!name.startsWith('postgres.new-') || (await lstat(path)).mtimeMs > minuteAgo) continue
    await rm(path, { recursive: true, force: true })
  }
}

/** Root may have started with a namespace last time and must take another account now, or the other way round. */
async function ensureOwner(cluster: string, runAs: RunAs): Promise<void> {
  const uid = ownerOf(runAs)
  const found = await lstat(cluster)
  if (found.uid === uid) return
  if (process.getuid?.() !== 0) {
    throw new EmbeddedPostgresError(
      `The database in ${cluster} belongs to the user with number ${found.uid}; start the server as that user.`,
    )
  }
  const gid = runAs.kind === 'account' ? runAs.gid : 0
  for (const entry of await readdir(cluster, { recursive: true, withFileTypes: true })) {
    await chown(join(entry.parentPath, entry.name), uid, gid)
  }
  await chown(cluster, uid, gid)
}

function wrongMajor(place: Placement, found: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The database in ${place.cluster} is of PostgreSQL ${found}, while this version of Basalt carries PostgreSQL ${place.binaries.major}. Start it with the version of Basalt that made it, export the data, and import them into a new data folder.`,
  )
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
