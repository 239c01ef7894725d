import type { UserActor } from '../../projects/actor.ts'
import type { Projects } from '../../projects/projects.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { type VerifiedToken, verifyAccessToken } from './access-token.ts'

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
  const verified = new Map<string, VerifiedToken & { projectId: string }>()

  function remember(token: string, project: Project, found: VerifiedToken): void {
    const oldest = verified.size >= maxTokens ? verified.keys().next() : undefined
    if (oldest?.done === false) verified.delete(oldest.value)
    verified.set(token, { ...found, projectId: project.id })
  }

  function actorOf(
    { sessionId, uid }: VerifiedToken,
    project: Project,
  ): UserActor | null | Promise<UserActor | null> {
    const session = auth.sessions.get(sessionId)
    if (session instanceof Promise) return session.then((found) => accept(found))
    return accept(session)

    function accept(found: Awaited<typeof session>): UserActor | null {
      return found !== null && found.projectId === project.id && found.userId === uid ? found.actor : null
    }
  }

  function verify(token: string, project: Project): ReturnType<Projects['verifyToken']> {
    const known = verified.get(token)
    if (known !== undefined && known.projectId === project.id) {
      if (known.expiresAt > Date.now()) return actorOf(known, project)
      verified.delete(token)
      return null
    }
    // Anything longer is none of ours, and would be kept.
    if (token.length > 8_192) return null
    return verifyAccessToken(auth.keys, auth.services.config.publicUrl, project, token).then((found) => {
      if (found === null) return null
      remember(token, project, found)
      return actorOf(found, project)
    })
  }

  return { verify, endOf: (token) => verified.get(token)?.expiresAt ?? 0 }
}
