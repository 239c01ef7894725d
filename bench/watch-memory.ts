import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface MemoryWatch {
  /** The most resident memory that was seen, in MiB. */
  stop(): number
}

/** Looks at a process's resident memory four times a second. */
export function watchMemory(pid: number): MemoryWatch {
  let most = 0
  const look = async (): Promise<void> => {
    most = Math.max(most, await residentKibibytes(pid))
  }
  const timer = setInterval(() => void look().catch(() => undefined), 250)
  return {
    stop() {
      clearInterval(timer)
      return most / 1024
    },
  }
}

/** The memory of a process that is there right now. */
export async function residentKibibytes(pid: number): Promise<number> {
  if (process.platform === 'linux') {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0)
  }
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)])
  return Number(stdout.trim())
}
