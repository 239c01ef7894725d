import type { Project } from '../../projects/project.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Auth } from '../auth.ts'
import { notSignedIn } from '../errors.ts'
import { issueTokens, type SessionTokens } from '../sessions/issue-tokens.ts'

/**
 * Notes that the user has proven themselves just now, and by what; with `mfa` among the methods the session rises to
 * two factors. Answers new tokens that say so.
 */
export async function renewProof(
  auth: Auth,
  project: Project,
  { uid, sessionId }: Pick<UserActor, 'uid' | 'sessionId'>,
  methods: readonly string[],
): Promise<SessionTokens> {
  const { control } = auth.services
  const where = { id: sessionId, userId: uid, impersonator: null }
  const before = await control.userSession.findFirst({ where, include: { user: true } })
  const [session] = await control.userSession.updateManyAndReturn({
    where,
    data: {
      provenAt: new Date(),
      amr: [...new Set([...(before?.amr ?? []), ...methods])],
      ...(methods.includes('mfa') && { assurance: 2 }),
    },
  })
  if (before === null || session === undefined) throw notSignedIn()
  auth.sessions.userChanged(uid)
  return issueTokens(auth, project, before.user, session)
}
