import type { User, UserSession } from '../../platform/generated/client.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { hasFactor, owesFactor } from '../factors/owes-factor.ts'
import { presentUser } from '../present-user.ts'
import { issueAccessToken } from './access-token.ts'
import { makeRefreshToken } from './refresh-token.ts'

/** What a sign-in answers. */
export interface SessionTokens {
  user: ReturnType<typeof presentUser>
  accessToken: string
  refreshToken: string
  /** When the access token ends, ISO 8601. */
  expiresAt: string
  /** Until a second factor is shown, or set up, the tokens are good for nothing else. */
  factorRequired: boolean
}

/** The tokens of a session's present generation. Who has just opened it knows whether its user has a second factor. */
export async function issueTokens(
  auth: Auth,
  project: Project,
  user: User,
  session: UserSession & { readonly hasFactor?: boolean },
): Promise<SessionTokens> {
  const custom = await auth.hooks.customClaims(project, user)
  const { token, expiresAt } = await issueAccessToken(auth.keys, auth.services.config.publicUrl, project, {
    uid: user.id,
    sessionId: session.id,
    email: user.email,
    roles: user.roles,
    claims: { ...(user.claims as object), ...custom },
    amr: session.amr,
    assurance: session.assurance,
    impersonator: session.impersonator,
  })
  return {
    user: presentUser(user),
    accessToken: token,
    refreshToken: makeRefreshToken(auth.box, { sessionId: session.id, generation: session.generation }),
    expiresAt: expiresAt.toISOString(),
    factorRequired: await owesFactor(
      auth.settings,
      user,
      session,
      () => session.hasFactor ?? hasFactor(auth.services.control, user.id),
    ),
  }
}
