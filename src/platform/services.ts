import type { Config } from '../config.ts'
import type { Bus } from './bus.ts'
import type { Database } from './database.ts'
import type { Logger } from './logging.ts'
import type { MasterKeys } from './master-key.ts'
import type { Metrics } from './metrics.ts'
import type { Nodes } from './nodes.ts'
import type { ControlPlane } from './prisma.ts'

/** What the process offers to every feature. */
export interface Services {
  config: Config
  log: Logger
  db: Database
  /**
   * A few connections for work in the background, which must not wait for those of requests, nor they for it. Its
   * commits are not flushed to the disk at once: after a crash of PostgreSQL the last of them may not have happened.
   */
  backgroundDb: Database
  control: ControlPlane
  bus: Bus
  nodes: Nodes
  metrics: Metrics
  /** What secrets in the database are encrypted with; see `createSecretBox`. */
  masterKeys: MasterKeys
}
