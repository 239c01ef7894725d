import type { ControlPlane } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
import type { FunctionEntry } from './function-entry.ts'

/** The versions that are kept, the newest first, with the share of the calls that each gets. */
export async function listDeployments(control: ControlPlane, { id: projectId }: Project): Promise<object[]> {
  const release = await control.functionRelease.findUnique({ where: { projectId } })
  const rows = await control.functionDeployment.findMany({
    where: { projectId },
    orderBy: { id: 'desc' },
    omit: { bundle: true, sources: true },
  })
  const nextShare = typeof release?.nextId === 'string' ? release.nextShare : 0
  return rows.map(({ id, hash, manifest, size, message, createdAt, createdBy }) => ({
    id,
    hash,
    message,
    sizeBytes: size,
    createdAt: createdAt.toISOString(),
    createdBy,
    share: id === release?.activeId ? 1 - nextShare : id === release?.nextId ? nextShare : 0,
    functions: (manifest as unknown as FunctionEntry[]).map(({ name, kind }) => ({ name, kind })),
  }))
}
