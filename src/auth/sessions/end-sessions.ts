import type { ControlPlane, ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Auth } from '../auth.ts'

/** Which sessions of a user end: one, all, or all but one. */
export type SessionChoice = { only: string } | { except: string } | 'all'

/**
 * Ends sessions: their refresh tokens are worth nothing and their access tokens die with them. Inside a transaction call
 * `auth.sessions.userChanged` after COMMIT; `endSessionsNow` does both.
 */
export async function endSessions(
  tx: ControlPlane | ControlPlaneTransaction,
  userId: string,
  choice: SessionChoice,
): Promise<number> {
  const id = choice === 'all' ? {} : 'only' in choice ? { id: choice.only } : { id: { not: choice.except } }
  const { count } = await tx.userSession.deleteMany({ where: { userId, ...id } })
  return count
}

export async function endSessionsNow(auth: Auth, userId: string, choice: SessionChoice): Promise<number> {
  const count = await endSessions(auth.services.control, userId, choice)
  auth.sessions.userChanged(userId)
  return count
}
