import Type, { type Static } from 'typebox'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import { closed, timeSchema } from '../../projects/schemas.ts'
import type { Auth } from '../auth.ts'
import { notSignedIn } from '../errors.ts'
import { presentUser } from '../present-user.ts'
import { userSchema } from '../schemas.ts'

const text = Type.String()
const nullableText = Type.Union([text, Type.Null()])

export const exportSchema = Type.Object(
  {
    exportedAt: timeSchema,
    user: userSchema,
    identities: Type.Array(
      Type.Object({ provider: text, subject: text, email: nullableText, createdAt: timeSchema }, closed),
    ),
    sessions: Type.Array(
      Type.Object(
        {
          deviceName: nullableText,
          userAgent: nullableText,
          ip: nullableText,
          createdAt: timeSchema,
          lastUsedAt: timeSchema,
        },
        closed,
      ),
    ),
    factors: Type.Array(Type.Object({ kind: text, name: text, createdAt: timeSchema }, closed)),
    passkeys: Type.Array(Type.Object({ name: text, createdAt: timeSchema }, closed)),
    log: Type.Array(Type.Object({ action: text, at: timeSchema, actorKind: text, ip: nullableText }, closed)),
  },
  closed,
)

// Of each list; nobody has more devices, and the log's newest entries are the telling ones.
const maxEntries = 1_000

/** All that this feature knows of a user (GDPR, article 15), without what would let somebody sign in as them. */
export async function exportAccount(
  { services }: Auth,
  project: Project,
  { uid }: UserActor,
): Promise<Static<typeof exportSchema>> {
  const user = await services.control.user.findUnique({
    where: { id: uid, projectId: project.id },
    include: {
      identities: true,
      sessions: { take: maxEntries },
      factors: { where: { kind: 'totp' } },
      passkeys: true,
    },
  })
  if (user === null) throw notSignedIn()
  const log = await services.control.auditEntry.findMany({
    where: { projectId: project.id, OR: [{ target: uid }, { actorKind: 'user', actorId: uid }] },
    orderBy: { id: 'desc' },
    take: maxEntries,
  })
  const createdAt = (row: { createdAt: Date }): string => row.createdAt.toISOString()
  return {
    exportedAt: new Date().toISOString(),
    user: presentUser(user),
    identities: user.identities.map((row) => ({
      provider: row.provider,
      subject: row.subject,
      email: row.email,
      createdAt: createdAt(row),
    })),
    sessions: user.sessions.map((row) => ({
      deviceName: row.deviceName,
      userAgent: row.userAgent,
      ip: row.ip,
      createdAt: createdAt(row),
      lastUsedAt: row.lastUsedAt.toISOString(),
    })),
    factors: user.factors.map((row) => ({ kind: row.kind, name: row.name, createdAt: createdAt(row) })),
    passkeys: user.passkeys.map((row) => ({ name: row.name, createdAt: createdAt(row) })),
    // Operators' addresses are theirs.
    log: log.map(({ action, at, actorKind, ip }) => ({
      action,
      at: at.toISOString(),
      actorKind,
      ip: actorKind === 'user' ? ip : null,
    })),
  }
}
