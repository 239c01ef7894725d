import type { Static } from 'typebox'
import Type from 'typebox'
import type { ControlPlane } from '../platform/prisma.ts'
import { closed, nextCursorSchema, timeSchema } from './schemas.ts'

const nullableText = Type.Union([Type.String(), Type.Null()])

export const auditPageSchema = Type.Object(
  {
    entries: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          at: timeSchema,
          actor: Type.Object({ kind: Type.String(), id: Type.String() }, closed),
          action: Type.String(),
          target: Type.String(),
          detail: Type.Record(Type.String(), Type.Unknown()),
          ip: nullableText,
          requestId: nullableText,
        },
        closed,
      ),
    ),
    nextCursor: nextCursorSchema,
  },
  closed,
)

export type AuditPage = Static<typeof auditPageSchema>

/** The newest first. Ids grow with time, so they are the cursor. */
export async function listAudit(
  control: ControlPlane,
  whose: { projectId: string } | { organizationId: string },
  page: { limit: number; after?: string },
): Promise<AuditPage> {
  const rows = await control.auditEntry.findMany({
    where: { ...whose, ...(page.after !== undefined && { id: { lt: page.after } }) },
    orderBy: { id: 'desc' },
    take: page.limit + 1,
  })
  const shown = rows.slice(0, page.limit)
  return {
    entries: shown.map((row) => ({
      id: row.id,
      at: row.at.toISOString(),
      actor: { kind: row.actorKind, id: row.actorId },
      action: row.action,
      target: row.target,
      detail: isObject(row.detail) ? row.detail : {},
      ip: row.ip,
      requestId: row.requestId,
    })),
    nextCursor: rows.length > page.limit ? (shown.at(-1)?.id ?? null) : null,
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
