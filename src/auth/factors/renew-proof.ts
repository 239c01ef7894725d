import type { Project } from '../../projects/project.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Auth } from '../auth.ts'
import { notSignedIn } from '../errors.ts'
import { answerSignIn } from '../sessions/answer-sign-in.ts'
import { issueTokens, type SessionTokens } from '../sessions/issue-tokens.ts'

/**
 * Notes that the user has proven themselves just now, and by what; with `mfa` among the methods the session rises to
 * two factors. Answers new tokens that say so; for who owed a factor that is the end of signing in.
 */
export async function renewProof(
  auth: Auth,
  project: Project,
  { uid, sessionId, owesFactor }: Pick<UserActor, 'uid' | 'sessionId' | 'owesFactor'>,
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
  const answer = owesFactor ? answerSignIn : issueTokens
  return answer(auth, project, before.user, session)
}
