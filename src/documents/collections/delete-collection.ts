import type { Services } from '../../platform/services.ts'
import type { Actor } from '../../projects/actor.ts'
import { type AuditSource, recordAudit } from '../../projects/record-audit.ts'
import type { Project } from '../../projects/project.ts'
import { readOnlyCollection } from '../errors.ts'
import { builtInCollections } from './built-in-collections.ts'
import type { CollectionCatalog } from './collection-catalog.ts'
import { withCollectionLock } from './with-collection-lock.ts'

/** Removes a collection with all its documents. Their change records stay until their time is over. */
export async function deleteCollection(
  services: Services,
  catalog: CollectionCatalog,
  project: Project,
  name: string,
  options: { actor: Actor; request: AuditSource },
): Promise<void> {
  if (builtInCollections.has(name)) throw readOnlyCollection(name)
  await withCollectionLock(services, project, name, async () => {
    const { table } = await catalog.get(project, name)
    await services.control.$transaction(async (tx) => {
      await tx.collection.delete({ where: { projectId_name: { projectId: project.id, name } } })
      await tx.$executeRawUnsafe(`DROP TABLE ${table}`)
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
