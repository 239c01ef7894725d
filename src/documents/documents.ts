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
  committerOf(project: Project): Committer
}

export function createDocuments(services: Services): Documents {
  const committers = new Map<string, Committer>()
  return {
    services,
    catalog: createCollectionCatalog(services),
    loader: createDocumentLoader(services.db),
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
