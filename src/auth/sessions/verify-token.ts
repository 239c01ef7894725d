import type { UserActor } from '../../projects/actor.ts'
import type { Projects } from '../../projects/projects.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { type VerifiedToken, verifyAccessToken } from './access-token.ts'
import type { LiveSession } from './session-cache.ts'
import { VerifiedTokens } from './verified-tokens.ts'

// 50,000 tokens are some 50 MB at most; a signature costs a hundred microseconds, a look-up one.
const maxTokens = 50_000

/**
 * Turns a bearer token into the user who acts. Signatures are checked once and remembered; whether the session still
 * stands is asked every time, from memory.
 */
export function createTokenVerifier(auth: Auth): {
  verify: Projects['verifyToken']
  endOf: Projects['endOfToken']
} {
  const verified = new VerifiedTokens(maxTokens)

  function actorOf(
    { sessionId, uid }: VerifiedToken,
    project: Project,
    now: number,
  ): UserActor | null | Promise<UserActor | null> {
    const session = auth.sessions.get(sessionId, now)
    if (session instanceof Promise) return session.then((found) => actorIn(found, uid, project))
    return actorIn(session, uid, project)
  }

  function verify(token: string, project: Project): ReturnType<Projects['verifyToken']> {
    const now = Date.now()
    const known = verified.get(token)
    if (known !== undefined && known.projectId === project.id) {
      if (known.expiresAt > now) return actorOf(known, project, now)
      verified.delete(token)
      return null
    }
    // Anything longer is none of ours, and would be kept.
    if (token.length > 8_192) return null
    return verifyAccessToken(auth.keys, auth.services.config.publicUrl, project, token).then((found) => {
      if (found === null) return null
      verified.set(token, { ...found, projectId: project.id })
      return actorOf(found, project, Date.now())
    })
  }

  return { verify, endOf: (token) => verified.get(token)?.expiresAt ?? 0 }
}

/** Null for a session that is over, or is not the one that the token speaks of. */
function actorIn(session: LiveSession | null, uid: string, project: Project): UserActor | null {
  return session !== null && session.projectId === project.id && session.userId === uid ? session.actor : null
}
