import type { Project } from '../projects/project.ts'
import { addressGroup } from '../projects/address-group.ts'
import { limitStrictly } from '../projects/limit-requests.ts'
import type { Auth } from './auth.ts'
import type { Device } from './device.ts'
import { methodDisabled } from './errors.ts'
import { answerSignIn } from './sessions/answer-sign-in.ts'
import type { SessionTokens } from './sessions/issue-tokens.ts'
import { openSession } from './sessions/open-session.ts'
import { createUser } from './users/create-user.ts'

// Each makes a user for good: more than people need, and little enough for a robot.
const limit = { max: 30, seconds: 3600 }

/** A user without a name, who can be given one later and keeps id and data. */
export async function signInAnonymously(
  auth: Auth,
  project: Project,
  device: Device,
): Promise<SessionTokens> {
  const { settings } = await auth.settings.of(project)
  if (!settings.anonymous.enabled) throw methodDisabled('nothing')
  await limitStrictly(
    auth.projects.rateLimiter,
    'auth-anonymous',
    `${project.id} ${addressGroup(device.ip)}`,
    limit,
  )
  const { user, session } = await auth.services.control.$transaction(async (tx) => {
    const user = await createUser(auth, tx, project, { isAnonymous: true })
    if (user === null) throw new Error('a user without address was taken for another')
    await auth.hooks.afterSignUp(tx, project, user)
    return { user, session: await openSession(auth, tx, project, user, { amr: [], assurance: 1 }, device) }
  })
  auth.hooks.enqueued(project)
  return answerSignIn(auth, project, user, session)
}
