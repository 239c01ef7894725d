import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

// What Linux counts by, whatever the machine's own ticks are: USER_HZ.
const ticksPerSecond = 100

/** What all threads of a process have used of the processors since it began. */
export async function processorSeconds(pid: number): Promise<number> {
  if (process.platform !== 'linux') {
    const { stdout } = await run('ps', ['-o', 'time=', '-p', String(pid)])
    return stdout
      .trim()
      .split(/[-:]/)
      .reduce((sum, part, at, { length }) => sum + Number(part) * (unitSeconds[length - 1 - at] ?? 0), 0)
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name, in parentheses, may hold anything; utime and stime are the 12th and 13th behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Of what `ps` puts between colons, from the end. */
const unitSeconds = [1, 60, 3_600, 86_400]
