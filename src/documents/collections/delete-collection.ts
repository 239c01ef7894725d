import type { Actor } from '../../projects/actor.ts'
import { type AuditSource, recordAudit } from '../../projects/record-audit.ts'
import type { Project } from '../../projects/project.ts'
import type { Documents } from '../documents.ts'
import { collectionNotFound, readOnlyCollection } from '../errors.ts'
import { builtInCollections } from './built-in-collections.ts'
import { withCollectionLock } from './with-collection-lock.ts'

/** Removes a collection with all its documents. Their change records stay until their time is over. */
export async function deleteCollection(
  documents: Documents,
  project: Project,
  name: string,
  options: { actor: Actor; request: AuditSource },
): Promise<void> {
  if (builtInCollections.has(name)) throw readOnlyCollection(name)
  const { catalog, services } = documents
  await withCollectionLock(documents, project, name, async () => {
    // Another node may have deleted it a moment ago.
    catalog.changed(project)
    const collection = await catalog.find(project, name)
    if (collection === undefined) throw collectionNotFound(name)
    await services.control.$transaction(async (tx) => {
      await tx.collection.delete({ where: { projectId_name: { projectId: project.id, name } } })
      await tx.$executeRawUnsafe(`DROP TABLE ${collection.table}`)
      await recordAudit(tx, {
        actor: options.actor,
        request: options.request,
        organizationId: project.organizationId,
        projectId: project.id,
        action: 'collection.delete',
        target: name,
      })
    })
    catalog.changed(project)
  })
}
