import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { refreshTokenInvalid } from '../errors.ts'
import { issueTokens, type SessionTokens } from './issue-tokens.ts'
import { inDays } from './open-session.ts'
import { readRefreshToken } from './refresh-token.ts'

// Tabs that refresh at once, and answers that were lost on the way.
const graceMs = 10_000

/**
 * Exchanges a refresh token for its successor (RFC 9700, section 4.14.2). The one before the newest is good for ten
 * more seconds and gives the same successor; any older one was stolen from somebody, so the session ends.
 */
export async function refreshSession(auth: Auth, project: Project, text: string): Promise<SessionTokens> {
  const token = readRefreshToken(auth.box, text)
  if (token === null) throw refreshTokenInvalid()
  await rotate(auth, project, token.sessionId, token.generation)
  const session = await auth.services.control.userSession.findUnique({
    where: { id: token.sessionId, projectId: project.id },
    include: { user: true },
  })
  const now = new Date()
  if (session === null || session.idleAt <= now || session.expiresAt <= now) throw refreshTokenInvalid()
  if (session.user.suspendedAt !== null) throw refreshTokenInvalid()
  const isNewest = session.generation === token.generation + 1
  if (!isNewest || now.getTime() - session.rotatedAt.getTime() > graceMs) {
    await endReplayed(auth, session.id, session.userId)
    throw refreshTokenInvalid()
  }
  return issueTokens(auth, project, session.user, session)
}

/**
 * One conditional UPDATE: of many parallel uses one moves the session on, and the others find it moved. One that was
 * idle for too long is not woken up.
 */
async function rotate(auth: Auth, project: Project, id: string, generation: number): Promise<void> {
  const { settings } = await auth.settings.of(project)
  const now = new Date()
  await auth.services.control.userSession.updateMany({
    where: { id, projectId: project.id, generation, idleAt: { gt: now }, expiresAt: { gt: now } },
    data: {
      generation: generation + 1,
      rotatedAt: now,
      lastUsedAt: now,
      idleAt: inDays(now.getTime(), settings.sessions.idleDays),
    },
  })
}

async function endReplayed(auth: Auth, sessionId: string, userId: string): Promise<void> {
  auth.services.log.warn({ sessionId, userId }, 'an old refresh token came again; its session was ended')
  await auth.services.control.userSession.deleteMany({ where: { id: sessionId } })
  auth.sessions.userChanged(userId)
}
