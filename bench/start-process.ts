import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface Process {
  readonly pid: number
  /** What the line that was waited for had in its first group. */
  readonly found: string
  /** SIGTERM, and SIGKILL for who doesn't listen within 30 s. */
  stop: () => Promise<void>
}

interface Start {
  file: string
  args: string[]
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** A line of standard output that says: ready. */
  ready: RegExp
}

const patienceMs = 60_000

/** Starts a server and waits until it says that it's ready. Throws with its output when it ends before. */
export async function startProcess({ file, args, env, cwd, ready }: Start): Promise<Process> {
  const child = spawn(file, args, { env: env ?? process.env, cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = () => stopChild(child)
  try {
    const found = await findLine(child, ready, AbortSignal.timeout(patienceMs))
    if (child.pid === undefined) throw new Error(`${file} did not start.`)
    return { pid: child.pid, found, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function findLine(child: ChildProcess, ready: RegExp, signal: AbortSignal): Promise<string> {
  const { stdout } = child
  if (stdout === null) throw new Error('There is no output to read.')
  const seen: string[] = []
  // What can't be started at all says so here; its output ends without a line.
  child.once('error', (error) => seen.push(error.message))
  for await (const line of createInterface({ input: stdout, signal })) {
    seen.push(line)
    const match = ready.exec(line)
    if (match === null) continue
    // Whatever else it prints must not fill the pipe.
    setImmediate(() => stdout.resume())
    return match[1] ?? ''
  }
  throw new Error(`A server did not get ready:\n${seen.join('\n')}`)
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  await exited
  clearTimeout(timer)
}
