import { type Gate, limitConcurrency } from '../platform/limit-concurrency.ts'
import { shareStatements, type StatementRunner } from '../platform/share-statements.ts'
import type { Services } from '../platform/services.ts'
import type { Project } from '../projects/project.ts'
import { projectSchema } from '../projects/project.ts'
import { type CollectionCatalog, createCollectionCatalog } from './collections/collection-catalog.ts'
import { type Committer, createCommitter } from './committer/committer.ts'
import { createDocumentLoader, type DocumentLoader } from './reading/document-loader.ts'

/** What every behaviour of this feature works with. */
export interface Documents {
  services: Services
  catalog: CollectionCatalog
  loader: DocumentLoader
  /** For statements that many requests send alike. */
  statements: StatementRunner
  committerOf(project: Project): Committer
  /** For what holds a connection while it works through a whole collection. */
  longSessions: Gate
}

// A quarter of the pool, so that reads and writes always find a connection.
const maxLongSessions = 4
const maxWaitingSessions = 100

export function createDocuments(services: Services): Documents {
  const committers = new Map<string, Committer>()
  return {
    services,
    longSessions: limitConcurrency(maxLongSessions, maxWaitingSessions),
    catalog: createCollectionCatalog(services),
    loader: createDocumentLoader(services.db),
    statements: shareStatements(services.db),
    committerOf(project) {
      let committer = committers.get(project.id)
      if (committer === undefined) {
        committer = createCommitter(services.db, projectSchema(project), services.metrics)
        committers.set(project.id, committer)
      }
      return committer
    },
  }
}
