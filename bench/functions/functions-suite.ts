import { Rounds } from '../rounds.ts'
import { say } from '../say.ts'
import type { Findings, Options, Suite } from '../suite.ts'
import type { Verdict } from '../verdict.ts'
import { measureBeforeHooks } from './measure-before-hooks.ts'
import { measureCalls } from './measure-calls.ts'
import { measureColdStarts, measureNewFunctions } from './measure-first-calls.ts'
import { measureQueue, queueMeasures } from './measure-queue.ts'
import { measureAfterHooks, measureFunctionTasks } from './measure-tasks.ts'
import { startFunctions } from './start-functions.ts'
import { openTasksTable } from './tasks-table.ts'

const functionMeasures = [
  'calls',
  'cold starts',
  'new functions',
  'before-hooks',
  'after-hooks',
  'function tasks',
] as const

/** A project's own code, and its work in the background. */
export const functions: Suite = { measures: [...functionMeasures, ...queueMeasures], peers: [], run }

async function run(options: Options, folder: string): Promise<Findings> {
  const rounds = new Rounds()
  const verdicts: Verdict[] = []
  const wants = (names: readonly string[]): boolean => names.some((name) => options.only.includes(name))
  if (wants(functionMeasures)) verdicts.push(...(await measureFunctions(options, rounds, folder)))
  if (wants(queueMeasures)) verdicts.push(...(await measureQueue(options, rounds, folder)))
  return { measures: rounds.measures(), verdicts }
}

async function measureFunctions(options: Options, rounds: Rounds, folder: string): Promise<Verdict[]> {
  say('starting Basalt and deploying functions')
  const server = await startFunctions(folder)
  const table = await openTasksTable(server.sockets)
  const verdicts: Verdict[] = []
  const { only } = options
  try {
    if (only.includes('calls')) verdicts.push(...(await measureCalls(options, rounds, server)))
    if (only.includes('cold starts')) verdicts.push(...(await measureColdStarts(options, rounds, server)))
    if (only.includes('new functions')) verdicts.push(...(await measureNewFunctions(options, rounds, server)))
    if (only.includes('before-hooks')) verdicts.push(await measureBeforeHooks(options, rounds, server))
    if (only.includes('after-hooks')) {
      verdicts.push(...(await measureAfterHooks(options, rounds, server, table)))
    }
    if (only.includes('function tasks')) {
      verdicts.push(await measureFunctionTasks(options, rounds, server, table))
    }
    return verdicts
  } finally {
    await table.close()
    await server.stop()
  }
}
