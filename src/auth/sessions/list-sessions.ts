import Type, { type Static } from 'typebox'
import type { ControlPlane } from '../../platform/prisma.ts'
import { closed, timeSchema } from '../../projects/schemas.ts'

/** A device that is signed in. */
export const deviceSchema = Type.Object(
  {
    id: Type.String(),
    isCurrent: Type.Boolean({ description: 'The one that asks.' }),
    deviceName: Type.Union([Type.String(), Type.Null()]),
    userAgent: Type.Union([Type.String(), Type.Null()]),
    ip: Type.Union([Type.String(), Type.Null()]),
    amr: Type.Array(Type.String()),
    createdAt: timeSchema,
    lastUsedAt: timeSchema,
  },
  closed,
)

/** As servers and operators see one. */
export const managedDeviceSchema = Type.Object(
  {
    ...deviceSchema.properties,
    impersonator: Type.Union([Type.String(), Type.Null()], { description: 'Who really acts.' }),
  },
  closed,
)

/** The sessions of a user that stand, the one used last first. */
export async function listSessions(
  control: ControlPlane,
  userId: string,
  currentId: string | null,
): Promise<Static<typeof managedDeviceSchema>[]> {
  const now = new Date()
  const rows = await control.userSession.findMany({
    where: { userId, idleAt: { gt: now }, expiresAt: { gt: now } },
    orderBy: { lastUsedAt: 'desc' },
    take: 500,
  })
  return rows.map(({ id, deviceName, userAgent, ip, amr, impersonator, createdAt, lastUsedAt }) => ({
    id,
    isCurrent: id === currentId,
    deviceName,
    userAgent,
    ip,
    amr,
    impersonator,
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt.toISOString(),
  }))
}
