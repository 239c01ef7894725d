import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Round } from '../rounds.ts'

export const queueMeasures = ['queue', 'queue of one project', 'add to run'] as const

export interface QueueJob {
  measure: (typeof queueMeasures)[number]
  tasks: number
  /** How many projects they are of. */
  projects: number
}

/** What the server says of a job: tasks a second, and for one at a time its milliseconds. */
export type QueueRound = Pick<Round, 'rate' | 'p50' | 'p99'>

export interface Queue {
  measure(job: QueueJob): Promise<Round>
  stop(): Promise<void>
}

const script = fileURLToPath(new URL('serve-queue.ts', import.meta.url))

/** Starts a server whose tasks do nothing, on a data folder of its own. */
export async function startQueue(folder: string): Promise<Queue> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(BASALT_|DATABASE_URL$)/.test(name))
  const child = spawn(process.execPath, ['--max-semi-space-size=8', '--heap-growing-percent=30', script], {
    env: {
      ...Object.fromEntries(inherited),
      NODE_ENV: 'production',
      BASALT_PORT: '0',
      BASALT_DATA_DIR: join(folder, 'queue'),
      BASALT_LOG_LEVEL: 'warn',
      BASALT_OPERATOR_EMAIL: 'bench@example.com',
      BASALT_OPERATOR_PASSWORD: 'only for the bench',
      // By default fewer, to leave calls room among the functions, of which there are none here.
      BASALT_LIMIT_TASKS_AT_ONCE_BY_PROJECT: '64',
      // VACUUM, after so many tasks came at once, is a statement too.
      BASALT_LIMIT_STATEMENT_MS: '60000',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const nextLine = async (): Promise<string> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('The server with the queue has ended.')
    return value
  }
  await nextLine()
  return {
    async measure(job) {
      child.stdin.write(`${JSON.stringify(job)}\n`)
      const { rate, p50, p99 }: Record<keyof QueueRound, number | null> = JSON.parse(await nextLine())
      return {
        rate: rate ?? 0,
        // There are none where tasks wait in line.
        p50: p50 ?? Number.NaN,
        p99: p99 ?? Number.NaN,
        generatorBusy: 0,
        failed: 0,
        failure: null,
      }
    },
    async stop() {
      const exited = once(child, 'exit')
      child.stdin.end()
      await exited
    },
  }
}
