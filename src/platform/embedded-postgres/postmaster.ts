import { execFile, spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Placement } from './placement.ts'
import { commandFor, type RunAs } from './run-as.ts'

/**
 * The process number of the PostgreSQL that runs on this cluster, whoever started it.
 * A pid file that points to some other program is removed: numbers are used again, in containers at once.
 * One that points to nothing is left to PostgreSQL, which then looks for surviving children too.
 */
export async function findPostmaster(place: Placement): Promise<number | undefined> {
  const pidFile = join(place.cluster, 'postmaster.pid')
  const text = await readFile(pidFile, 'utf8').catch(() => '')
  const pid = Number(text.split('\n')[0])
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined
  if (await isPostmaster(pid, place.cluster)) return pid
  await rm(pidFile, { force: true })
  await rm(join(place.sockets, '.s.PGSQL.5432.lock'), { force: true })
  return undefined
}

/** A PostgreSQL that was just started. */
export interface Launch {
  readonly pid: number
  /** Set once it has ended, with what it had to say. */
  failure(): string | undefined
  /** Stops listening to it: from here on its log has its messages, and it may outlive this process. */
  release(): void
}

export function launchPostmaster(place: Placement, runAs: RunAs): Launch {
  const settings = {
    unix_socket_directories: place.sockets,
    unix_socket_permissions: '0700',
    listen_addresses: '',
  }
  const command = commandFor(runAs, join(place.binaries.folder, 'bin/postgres'), [
    '-D',
    place.cluster,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ])
  // A group of its own: Ctrl-C in the terminal is for the server, which stops PostgreSQL when it no longer needs it.
  const child = spawn(command.file, command.args, {
    ...command.options,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let output = ''
  let ended = false
  child.stderr.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-10_000)))
  child.once('error', (error) => {
    output += error.message
    ended = true
  })
  child.once('close', () => (ended = true))
  return {
    pid: child.pid ?? 0,
    failure: () => (ended ? output : undefined),
    release() {
      child.stderr.destroy()
      child.unref()
    },
  }
}

/** Fast shutdown: open transactions are rolled back, nothing committed is lost. After 30 s, without ceremony. */
export async function stopPostmaster(pid: number, cluster: string): Promise<void> {
  signal(pid, 'SIGINT')
  const started = Date.now()
  let quit = false
  while (await isPostmaster(pid, cluster)) {
    const waited = Date.now() - started
    if (waited > 40_000) throw new Error(`PostgreSQL (process ${pid}) does not stop`)
    // Without a checkpoint it recovers from its log at the next start: slower, and just as safe.
    if (waited > 30_000 && !quit) signal(pid, 'SIGQUIT')
    quit = waited > 30_000
    await sleep(20)
  }
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended already.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** A process that has ended, and that nobody has asked about yet, has no command line any more. */
async function isPostmaster(pid: number, cluster: string): Promise<boolean> {
  return isAlive(pid) && (await readCommandLine(pid)).includes(cluster)
}

async function readCommandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }))
  return stdout
}
