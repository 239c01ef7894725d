import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { hashPassword, verifyPassword } from '../../src/platform/passwords.ts'

// sched(7)
const schedIdle = '5'

test.runIf(process.platform === 'linux')(
  'what hashes leaves its processor to whoever else wants it',
  async () => {
    await hashPassword('correct horse')
    expect(niceThreads()).toContain(schedIdle)
  },
)

// With more processors it would take too many others to fill them.
test.runIf(process.platform === 'linux' && availableParallelism() <= 8)(
  'and comes to its end all the same while others want all processors without end',
  { timeout: 40_000 },
  async () => {
    const hash = await hashPassword('correct horse')
    const hogs = Array.from({ length: availableParallelism() * 2 }, () =>
      spawn('timeout', ['20', 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' }),
    )
    try {
      const verified = Array.from({ length: 6 }, () => verifyPassword(hash, 'correct horse'))
      expect(await Promise.all(verified)).toEqual(Array(6).fill(true))
      expect(hogs.filter(({ exitCode }) => exitCode !== null)).toEqual([])
    } finally {
      for (const hog of hogs) hog.kill()
    }
  },
)

/** The scheduling policies of our threads at the lowest priority, as proc(5) writes them. */
function niceThreads(): string[] {
  const threads = readdirSync('/proc/self/task').map((id) => {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8')
    // From the third field on: a name may hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { niceness: fields[16], policy: fields[38] ?? '' }
  })
  return threads.filter(({ niceness }) => niceness === '19').map(({ policy }) => policy)
}
