import { newId } from '../platform/ids.ts'
import type { Services } from '../platform/services.ts'
import { ddlTransaction, insertProject } from './create-project.ts'
import type { Projects } from './projects.ts'

// Any number that no other advisory lock of this program uses.
const firstProjectLock = 7_305_148_122n

/** What the first start shows. */
export interface FirstProject {
  ref: string
  publishableKey: string
}

/**
 * On a fresh installation makes an organization with a project, so that the first line of code works at once;
 * if there is an operator already (from the environment), they own it. Null when there was an organization.
 * Nodes that start together wait for each other.
 */
export async function ensureFirstProject(
  services: Services,
  projects: Projects,
): Promise<FirstProject | null> {
  const { control } = services
  if ((await control.organization.count()) > 0) return null
  return control.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${firstProjectLock})`
    if ((await tx.organization.count()) > 0) return null
    const operator = await tx.operator.findFirst({ orderBy: { id: 'asc' } })
    const organization = await tx.organization.create({ data: { id: newId(), name: 'My organization' } })
    if (operator !== null) {
      await tx.membership.create({
        data: { organizationId: organization.id, operatorId: operator.id, role: 'owner' },
      })
    }
    const { row, keys } = await insertProject(services, projects, tx, {
      name: 'My first project',
      organizationId: organization.id,
    })
    return { ref: row.ref, publishableKey: keys.publishable }
  }, ddlTransaction)
}
