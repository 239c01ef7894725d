import type { ControlPlane } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'

export interface PresentedUsage {
  since: string
  gigabyteSeconds: number
  functions: object[]
}

const dayMs = 86_400_000

/** @param since ISO 8601; the last 24 hours when absent. Counted by whole hours. */
export async function listUsage(
  control: ControlPlane,
  project: Project,
  since?: string,
): Promise<PresentedUsage> {
  const from = since === undefined ? new Date(Date.now() - dayMs) : new Date(since)
  const groups = await control.functionUsage.groupBy({
    by: ['function'],
    where: { projectId: project.id, hour: { gte: from } },
    _sum: {
      calls: true,
      errors: true,
      coldStarts: true,
      outboundRequests: true,
      milliseconds: true,
      gigabyteSeconds: true,
    },
    _max: { maxMilliseconds: true, maxMemoryBytes: true },
    orderBy: { function: 'asc' },
  })
  const functions = groups.map(({ function: name, _sum: sum, _max: max }) => {
    const calls = Number(sum.calls ?? 0)
    return {
      name,
      calls,
      errors: Number(sum.errors ?? 0),
      coldStarts: Number(sum.coldStarts ?? 0),
      outboundRequests: Number(sum.outboundRequests ?? 0),
      averageMilliseconds: calls === 0 ? 0 : (sum.milliseconds ?? 0) / calls,
      maxMilliseconds: max.maxMilliseconds ?? 0,
      maxMemoryBytes: Number(max.maxMemoryBytes ?? 0),
      gigabyteSeconds: sum.gigabyteSeconds ?? 0,
    }
  })
  const gigabyteSeconds = functions.reduce((sum, one) => sum + one.gigabyteSeconds, 0)
  return { since: from.toISOString(), gigabyteSeconds, functions }
}
