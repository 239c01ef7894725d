import { readFileSync } from 'node:fs'

/** What a process has used, as Linux tells it. Undefined elsewhere, and once it has ended. */
export interface ProcessUsage {
  /** Memory that is its own; the pages of the program are shared with the other processes. */
  bytes: number
  /** Of all its threads, since it started. */
  cpuMs: number
}

// Both are fixed in Linux's interface to programs, whatever the kernel uses itself; pages are larger on some ARMs.
const tickMs = 10
const pageBytes = 4096

/** Synchronous: the kernel answers from memory, in some 20 µs. */
export function readUsage(pid: number): ProcessUsage | undefined {
  try {
    const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').map(Number)
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const cpuMs = (Number(fields[11]) + Number(fields[12])) * tickMs
    return { bytes: (resident - shared) * pageBytes, cpuMs }
  } catch {
    return undefined
  }
}
