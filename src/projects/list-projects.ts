import type { Project as ProjectRow } from '../platform/generated/client.ts'
import type { Services } from '../platform/services.ts'

/** Of all organizations that the operator is a member of, the oldest first. */
export async function listProjects(
  { control }: Services,
  operatorId: string,
  page: { limit: number; after?: string },
): Promise<{ rows: ProjectRow[]; nextCursor: string | null }> {
  const rows = await control.project.findMany({
    where: {
      organization: { memberships: { some: { operatorId } } },
      ...(page.after !== undefined && { id: { gt: page.after } }),
    },
    orderBy: { id: 'asc' },
    take: page.limit + 1,
  })
  const shown = rows.slice(0, page.limit)
  return { rows: shown, nextCursor: rows.length > page.limit ? (shown.at(-1)?.id ?? null) : null }
}
