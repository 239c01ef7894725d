import { LookupCache, readTogether } from '../../platform/lookup-cache.ts'
import type { Services } from '../../platform/services.ts'
import type { UserActor } from '../../projects/actor.ts'
import { owesFactor } from '../factors/owes-factor.ts'
import type { AuthSettingsStore } from '../settings/settings-store.ts'

/** A session that stands, with its user as the user is now. */
export interface LiveSession {
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
  /** Null: over, revoked, or its user suspended or gone. `now` is in milliseconds since 1970. */
  get(sessionId: string, now: number): LiveSession | null | Promise<LiveSession | null>
  /** After COMMIT: everything of this user is read again. */
  userChanged(userId: string): void
}

/** The bus's topic for users who changed, or a session of theirs; the payload is the user's id. */
export const usersTopic = 'auth-users'

/** What the statement answers: the actor, and what says whether they still owe a factor. */
interface SessionRow extends Omit<UserActor, 'kind' | 'owesFactor'> {
  projectId: string
  impersonator: string | null
  hasFactor: boolean
}

// Everybody who is signed in is read every few seconds: through Prisma it would be four statements.
const readSessionsSql = `
  SELECT
    session.id AS "sessionId",
    session.project_id AS "projectId",
    session.user_id AS "uid",
    session.impersonator,
    session.amr,
    session.assurance,
    extract(epoch FROM session.proven_at)::float8 * 1000 AS "provenAt",
    users.email,
    users.email_verified_at IS NOT NULL AS "isEmailVerified",
    users.is_anonymous AS "isAnonymous",
    users.roles,
    users.claims,
    EXISTS (
      SELECT
      FROM basalt.factors AS factor
      WHERE factor.user_id = users.id AND factor.kind = 'totp' AND factor.confirmed_at IS NOT NULL
    ) AS "hasFactor"
  FROM basalt.user_sessions AS session
  JOIN basalt.users AS users ON users.id = session.user_id
  WHERE session.id = ANY ($1)
    AND session.idle_at > now()
    AND session.expires_at > now()
    AND users.suspended_at IS NULL`

export function createSessionCache(services: Services, settings: AuthSettingsStore): SessionCache {
  const { db, bus } = services
  const cache = new LookupCache<LiveSession>({ maxEntries: 50_000, read: readTogether(readMany) })
  bus.subscribe(usersTopic, (userId) => cache.forget((session) => session.userId === userId))
  bus.onReset(() => cache.clear())

  async function readMany(ids: string[]): Promise<Map<string, LiveSession>> {
    const { rows } = await db.query<SessionRow>(readSessionsSql, [ids])
    return new Map(
      await Promise.all(rows.map(async (row) => [row.sessionId, await liveSession(row)] as const)),
    )
  }

  async function liveSession(row: SessionRow): Promise<LiveSession> {
    const { projectId, impersonator, hasFactor, ...actor } = row
    const user = { id: row.uid, projectId, isAnonymous: row.isAnonymous }
    const owes = await owesFactor(settings, user, row, () => hasFactor)
    return { projectId, userId: row.uid, impersonator, actor: { kind: 'user', ...actor, owesFactor: owes } }
  }

  return {
    get(sessionId, now) {
      const known = cache.get(sessionId, now)
      return known === undefined ? cache.load(sessionId) : known
    },
    userChanged(userId) {
      bus.publish(usersTopic, userId)
    },
  }
}
