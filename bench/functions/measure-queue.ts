import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from '../launch-basalt.ts'
import type { Round, Rounds } from '../rounds.ts'
import { say } from '../say.ts'
import type { Options } from '../suite.ts'
import { atLeast, atMost, type Verdict } from '../verdict.ts'

export const queueMeasures = ['queue', 'queue of one project', 'add to run'] as const

export interface QueueJob {
  measure: (typeof queueMeasures)[number]
  tasks: number
  /** How many projects they are of. */
  projects: number
}

/** What the server says of a job: tasks a second, and for one at a time its milliseconds. */
export type QueueRound = Pick<Round, 'rate' | 'p50' | 'p99'>

interface Queue {
  measure(job: QueueJob): Promise<Round>
  stop(): Promise<void>
}

const script = fileURLToPath(new URL('serve-queue.ts', import.meta.url))

/** The queue alone, with tasks that do nothing. */
export async function measureQueue(options: Options, rounds: Rounds, folder: string): Promise<Verdict[]> {
  say('starting Basalt with tasks that do nothing')
  const queue = await startQueue(folder)
  const wanted = queueMeasures.filter((each) => options.only.includes(each))
  try {
    const tasks = options.smoke ? 500 : 5000 * options.seconds
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const measure of wanted) {
        const job = {
          measure,
          tasks: measure === 'add to run' ? Math.min(tasks, 500) : tasks,
          projects: measure === 'queue' ? 8 : 1,
        }
        await rounds.take(measure, 'Basalt', () => queue.measure(job))
      }
    }
  } finally {
    await queue.stop()
  }
  return rounds.measures().flatMap(({ name, rate, p50 }): Verdict[] => {
    if (!wanted.some((each) => each === name)) return []
    return [
      name === 'add to run' ? atMost('add to run, p50', p50, 4, 'ms') : atLeast(name, rate, 5000, 'tasks/s'),
    ]
  })
}

/** Starts a server whose tasks do nothing, on a data folder of its own. */
async function startQueue(folder: string): Promise<Queue> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(BASALT_|DATABASE_URL$)/.test(name))
  const child = spawn(process.execPath, [...nodeFlags, script], {
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
