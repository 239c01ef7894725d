import type { User, UserSession } from '../../platform/generated/client.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { issueTokens, type SessionTokens } from './issue-tokens.ts'

/** The end of every way in, after COMMIT: the tokens. Functions hear of it once no second factor is owed. */
export async function answerSignIn(
  auth: Auth,
  project: Project,
  user: User,
  session: UserSession & { readonly hasFactor?: boolean },
): Promise<SessionTokens> {
  const tokens = await issueTokens(auth, project, user, session)
  if (!tokens.factorRequired) await auth.hooks.afterSignIn(project, user)
  return tokens
}
