import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { type Confinement, confinedCommand, innerFolder } from './confinement.ts'
import { hostConfiguration, hostWorker } from './host-worker.ts'
import { type RunFolder, signalGroup } from './run-folder.ts'

/** A workerd that listens. */
export interface Workerd {
  /** The process itself, inside what confines it. */
  readonly pid: number
  readonly socket: string
  readonly stdout: Readable
  /** Undefined where no debugger is let in. */
  readonly inspectorPort: number | undefined
  /** Resolves when it has ended, with the last of what it said. */
  readonly ended: Promise<string>
  kill(): void
}

export interface WorkerdOptions {
  program: string
  confinement: Confinement
  runFolder: RunFolder
  /** Made by `runFolder`; the platform's socket listens in it already. */
  folder: string
  heapMegabytes: number
  /** Lets debuggers in, by a port of 127.0.0.1. */
  isInspected?: boolean
}

// Cold caches and a busy machine: 170 ms were measured on a quiet one.
const startWithinMs = 15_000

/** Starts workerd and waits until it listens. Throws with what it said when it doesn't. */
export async function startWorkerd(options: WorkerdOptions): Promise<Workerd> {
  const { program, folder, runFolder, isInspected = false } = options
  const confinement = { ...options.confinement, sharesNetwork: isInspected }
  const inner = innerFolder(confinement, folder)
  await writeFile(join(folder, 'host.js'), hostWorker)
  await writeFile(join(folder, 'host.capnp'), hostConfiguration(inner, options.heapMegabytes))
  const args = [
    'serve',
    '--experimental',
    '--control-fd=3',
    ...(isInspected ? ['--inspector-addr=127.0.0.1:0'] : []),
    join(inner, 'host.capnp'),
  ]
  const command = confinedCommand(confinement, program, folder, args)
  const child = spawn(command.file, command.args, {
    cwd: '/',
    env: command.env,
    // A group of its own: it is ended as one, and Ctrl-C in the terminal is for the server.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const output = keepLast(child)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', () => resolve(output()))
  }).then(async (said) => {
    await runFolder.remove(folder).catch(() => undefined)
    return said
  })
  const kill = (): void => {
    if (child.pid !== undefined) signalGroup(child.pid)
  }
  if (child.pid !== undefined) await runFolder.note(folder, child.pid)
  let inspectorPort: number | undefined
  try {
    inspectorPort = await untilListening(child, ended)
  } catch (error) {
    kill()
    throw error
  }
  const [, stdout] = child.stdio
  if (stdout === null || child.pid === undefined) throw new Error('workerd has no output')
  return { pid: innermost(child.pid), socket: join(folder, 'in.sock'), stdout, inspectorPort, ended, kill }
}

/** Resolves to the port of the inspector, where there is one: it is told first. */
async function untilListening(child: ChildProcess, ended: Promise<string>): Promise<number | undefined> {
  const control = child.stdio[3] as Readable
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  let told = ''
  const timer = setTimeout(() => reject(new Error('workerd does not start')), startWithinMs)
  control.on('data', (chunk: Buffer) => {
    told += chunk.toString()
    const port = /"listen-inspector","port":(\d+)/.exec(told)?.[1]
    if (told.includes('"listen"')) resolve(port === undefined ? undefined : Number(port))
  })
  void ended.then((said) => reject(new Error(`workerd ended at its start: ${said}`)))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

function keepLast(child: ChildProcess): () => string {
  let last = ''
  child.stderr?.on('data', (chunk: Buffer) => (last = (last + chunk.toString()).slice(-4_000)))
  return () => last.trim()
}

/** The programs that confine it stay its parents. */
function innermost(pid: number): number {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    return child === undefined || child === '' ? pid : innermost(Number(child))
  } catch {
    return pid
  }
}

/** Whether workerd starts when it is confined in this way. */
export async function canStart(options: Omit<WorkerdOptions, 'folder'>): Promise<boolean> {
  const folder = await options.runFolder.make()
  try {
    const workerd = await startWorkerd({ ...options, folder })
    workerd.kill()
    await workerd.ended
    return true
  } catch {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined)
    return false
  }
}
