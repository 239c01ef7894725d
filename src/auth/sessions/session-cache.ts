import { LookupCache, readTogether } from '../../platform/lookup-cache.ts'
import type { Services } from '../../platform/services.ts'
import type { UserActor } from '../../projects/actor.ts'
import { confirmedFactor, owesFactor } from '../factors/owes-factor.ts'
import type { AuthSettingsStore } from '../settings/settings-store.ts'

/** A session that stands, with its user as the user is now. */
interface LiveSession {
  projectId: string
  userId: string
  actor: UserActor
  impersonator: string | null
}

/**
 * The sessions in use. A token only proves which session it is of: rights come from the user's row, so what is
 * revoked, suspended or changed is felt at once on this node, through the bus on the others, and after five
 * seconds even if a notification is lost.
 */
export interface SessionCache {
  /** Null: over, revoked, or its user suspended or gone. */
  get(sessionId: string): LiveSession | null | Promise<LiveSession | null>
  /** After COMMIT: everything of this user is read again. */
  userChanged(userId: string): void
}

/** The bus's topic for users who changed, or a session of theirs; the payload is the user's id. */
export const usersTopic = 'auth-users'

export function createSessionCache(services: Services, settings: AuthSettingsStore): SessionCache {
  const { control, bus } = services
  const cache = new LookupCache<LiveSession>({ maxEntries: 50_000, read: readTogether(readMany) })
  bus.subscribe(usersTopic, (userId) => cache.forget((session) => session.userId === userId))
  bus.onReset(() => cache.clear())

  async function readMany(ids: string[]): Promise<Map<string, LiveSession>> {
    const rows = await readRows(ids)
    return new Map(await Promise.all(rows.map(async (row) => [row.id, await liveSession(row)] as const)))
  }

  function readRows(ids: string[]) {
    const now = new Date()
    return control.userSession.findMany({
      where: {
        id: { in: ids },
        idleAt: { gt: now },
        expiresAt: { gt: now },
        user: { suspendedAt: null },
      },
      include: { user: { include: { factors: { where: confirmedFactor, select: { id: true }, take: 1 } } } },
    })
  }

  async function liveSession(row: Awaited<ReturnType<typeof readRows>>[number]): Promise<LiveSession> {
    const { user } = row
    return {
      projectId: row.projectId,
      userId: user.id,
      impersonator: row.impersonator,
      actor: {
        kind: 'user',
        uid: user.id,
        sessionId: row.id,
        email: user.email,
        isEmailVerified: user.emailVerifiedAt !== null,
        isAnonymous: user.isAnonymous,
        roles: user.roles,
        claims: user.claims as Record<string, unknown>,
        amr: row.amr,
        assurance: row.assurance,
        provenAt: row.provenAt.getTime(),
        owesFactor: await owesFactor(settings, user, row, () => user.factors.length > 0),
      },
    }
  }

  return {
    get(sessionId) {
      const known = cache.get(sessionId)
      return known === undefined ? cache.load(sessionId) : known
    },
    userChanged(userId) {
      bus.publish(usersTopic, userId)
    },
  }
}
