import { createHash, randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tmpdir } from 'node:os'

/** Where the processes of functions of this server have their sockets: a private folder for each. */
export interface RunFolder {
  /** Makes the folder of a new process. */
  make(): Promise<string>
  /** Notes which process lives there, so that the next server knows it if this one is killed. */
  note(folder: string, pid: number): Promise<void>
  remove(folder: string): Promise<void>
  close(): Promise<void>
}

// sun_path has 108 bytes on Linux with its closing zero, 104 on macOS.
const longestSocketPath = process.platform === 'linux' ? 107 : 103

/** Opens the folder, and ends what a server that was killed has left in it. */
export async function openRunFolder(dataDir: string): Promise<RunFolder> {
  const root = await placeRoot(dataDir)
  await endOrphans(root)
  // A number is used again, in containers at once: with the time of its start it is this process and no other.
  const own = join(root, `${process.pid}-${await startTime(process.pid)}-${randomBytes(3).toString('hex')}`)
  await mkdir(own, { mode: 0o700 })
  let made = 0
  return {
    async make() {
      made += 1
      const folder = join(own, String(made))
      await mkdir(folder, { mode: 0o700 })
      return folder
    },
    note: (folder, pid) => writeFile(join(folder, 'pid'), String(pid)),
    remove: (folder) => rm(folder, { recursive: true, force: true }),
    close: () => rm(own, { recursive: true, force: true }),
  }
}

async function placeRoot(dataDir: string): Promise<string> {
  const beside = join(dataDir, 'fn')
  const longest = join(beside, `${process.pid}-${'9'.repeat(12)}-abcdef`, '999999', 'platform.sock')
  if (Buffer.byteLength(longest) <= longestSocketPath) {
    await mkdir(beside, { recursive: true, mode: 0o700 })
    return beside
  }
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 12)
  const folder = join(tmpdir().length < 30 ? tmpdir() : '/tmp', `basalt-fn-${hash}`)
  await mkdir(folder, { mode: 0o700 }).catch(ignoreExisting)
  // In a folder that everybody may write to, someone else may have been there first.
  const found = await lstat(folder)
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0) {
    throw new Error(`${folder} belongs to someone else; it must be private to this server.`)
  }
  return folder
}

async function endOrphans(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const [, pid = '0', started = ''] = /^(\d+)-(\d+)-/.exec(name) ?? []
    const isAlive = pid !== '0' && (await startTime(Number(pid))) === started && started !== '0'
    if (isAlive) continue
    for (const process of await readdir(join(root, name)).catch(() => [])) {
      await endOrphan(join(root, name, process))
    }
    await rm(join(root, name), { recursive: true, force: true }).catch(() => undefined)
  }
}

/** Its command line names its folder; a number that now belongs to another program doesn't. */
async function endOrphan(folder: string): Promise<void> {
  const pid = Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => ''))
  if (!Number.isInteger(pid) || pid <= 1) return
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (commandLine.includes(folder)) signalGroup(pid)
}

/** Ends a process and what it has started: each is the leader of its group. */
export function signalGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

/** In clock ticks since the machine started; 0 where the system doesn't tell, or there is no such process. */
async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name in the second field may hold spaces.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0'
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
}
