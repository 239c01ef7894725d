import { Rounds } from '../rounds.ts'
import { say } from '../say.ts'
import type { Findings, Options, Suite } from '../suite.ts'
import { atLeast, atMost, type Verdict } from '../verdict.ts'
import { queueMeasures, startQueue } from './measure-queue.ts'

/** Background tasks: the queue alone, with tasks that do nothing. */
export const functions: Suite = { measures: queueMeasures, peers: [], run }

async function run(options: Options, folder: string): Promise<Findings> {
  say('starting Basalt with tasks that do nothing')
  const queue = await startQueue(folder)
  const rounds = new Rounds()
  try {
    const tasks = options.smoke ? 1000 : 5000 * options.seconds
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const measure of queueMeasures.filter((each) => options.only.includes(each))) {
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
  const measures = rounds.measures()
  const verdicts = measures.map(({ name, rate, p50 }): Verdict =>
    name === 'add to run' ? atMost('add to run, p50', p50, 4, 'ms') : atLeast(name, rate, 5000, 'tasks/s'),
  )
  return { measures, verdicts }
}
