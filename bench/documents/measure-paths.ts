import { runLoad } from '../load/run-load.ts'
import { type Measure, Rounds } from '../rounds.ts'
import type { Options } from '../suite.ts'
import { makeRequests, type Path, paths, type Subject } from './paths.ts'
import { runPgbench } from './run-pgbench.ts'

/** One client without concurrency, beside what all of them at once reach. */
export type MeasureName = Path | 'create by one client' | 'pgbench -N'

export const connections = 32

/**
 * Measures every path on every subject, in turn: the machine's moods meet all of them alike. `postgres` is the
 * folder of the socket at which `pgbench` runs beside the creates; null where it isn't installed.
 */
export async function measurePaths(
  options: Options,
  subjects: readonly Subject[],
  basalt: Subject,
  postgres: string | null,
): Promise<Measure[]> {
  const rounds = new Rounds()
  const load = (path: Path, subject: Subject, clients: number) =>
    runLoad({
      port: subject.port,
      connections: clients,
      warmUpSeconds: options.warmUpSeconds,
      seconds: options.seconds,
      requests: makeRequests(path, subject, options.documents),
    })

  for (let round = 1; round <= options.rounds; round += 1) {
    process.stderr.write(`round ${round} of ${options.rounds}\n`)
    for (const path of paths.filter((each) => options.only.includes(each))) {
      for (const subject of subjects)
        await rounds.take(path, subject.name, () => load(path, subject, connections))
      if (path !== 'create') continue
      if (postgres !== null)
        await rounds.take('pgbench -N', 'PostgreSQL', () =>
          runPgbench(postgres, connections, options.seconds),
        )
      await rounds.take('create by one client', basalt.name, () => load('create', basalt, 1))
    }
  }
  return rounds.measures()
}
