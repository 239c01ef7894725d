import { type Gate, limitConcurrency } from '../platform/limit-concurrency.ts'
import { shareStatements, type StatementRunner } from '../platform/share-statements.ts'
import type { Services } from '../platform/services.ts'
import type { Project } from '../projects/project.ts'
import { projectSchema } from '../projects/project.ts'
import { builtInCollections } from './collections/built-in-collections.ts'
import { type CollectionCatalog, createCollectionCatalog } from './collections/collection-catalog.ts'
import { type Committer, createCommitter } from './committer/committer.ts'
import { noWriteHooks, type WriteHooks } from './write-hooks.ts'
import { createDocumentLoader, type DocumentLoader } from './reading/document-loader.ts'

/** What every behaviour of this feature works with. */
export interface Documents {
  services: Services
  catalog: CollectionCatalog
  /** Another feature puts its own here. */
  hooks: WriteHooks
  loader: DocumentLoader
  /** For statements that many requests send alike. */
  statements: StatementRunner
  committerOf(project: Project): Committer
  /** `heard` is called on this node after each COMMIT of a project's writes: once for all that share it. */
  onCommit(heard: (project: Project) => void): void
  /** Whether another feature writes the collection, so that the change log knows nothing of it. */
  isBuiltIn(collection: string): boolean
  /** For what holds a connection while it works through a whole collection. */
  longSessions: Gate
}

// A quarter of the pool, so that reads and writes always find a connection.
const maxLongSessions = 4
const maxWaitingSessions = 100

export function createDocuments(services: Services): Documents {
  const committers = new Map<string, Committer>()
  const commitListeners: ((project: Project) => void)[] = []
  const documents: Documents = {
    services,
    hooks: noWriteHooks,
    longSessions: limitConcurrency(maxLongSessions, maxWaitingSessions),
    catalog: createCollectionCatalog(services),
    loader: createDocumentLoader(services.db),
    statements: shareStatements(services.db),
    committerOf(project) {
      let committer = committers.get(project.id)
      if (committer === undefined) {
        const committed = (): void => commitListeners.forEach((heard) => heard(project))
        committer = createCommitter(services.db, projectSchema(project), services.metrics, {
          committed,
          projectId: project.id,
          eventsOf: (writes) => documents.hooks.eventsOf(project, writes),
          enqueued: () => documents.hooks.enqueued(project),
        })
        committers.set(project.id, committer)
      }
      return committer
    },
    isBuiltIn: (collection) => builtInCollections.has(collection),
    onCommit: (heard) => void commitListeners.push(heard),
  }
  return documents
}
