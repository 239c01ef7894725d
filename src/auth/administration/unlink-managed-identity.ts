import { notFound } from '../../platform/errors.ts'
import { takeWayIn } from '../account/remove-way-in.ts'
import type { Auth } from '../auth.ts'
import { tellSignInMethod } from '../mail/tell-sign-in-method.ts'
import { endSessions } from '../sessions/end-sessions.ts'
import type { UserChange } from '../users/audit-user.ts'
import { lockUserById } from '../users/lock-user-by-id.ts'
import { languagesOfUser } from './languages-of-user.ts'

/**
 * Takes an account at a provider from a user: it signs them in no more, and whoever it has signed in is out. The user
 * is told. Throws `conflict` when it is the last way in, unless that is meant.
 */
export async function unlinkManagedIdentity(
  auth: Auth,
  change: UserChange,
  userId: string,
  identityId: string,
  mayBeLast: boolean,
): Promise<void> {
  const { project } = change
  const { user, removed } = await auth.services.control.$transaction(async (tx) => {
    const locked = await lockUserById(tx, userId)
    if (locked === null || locked.projectId !== project.id) throw notFound('The user')
    const way = { kind: 'identity', id: identityId } as const
    const method = await takeWayIn(auth, tx, change, userId, way, mayBeLast)
    await endSessions(tx, userId, 'all')
    return { user: locked, removed: method }
  })
  auth.sessions.userChanged(userId)
  tellSignInMethod(auth, project, 'removed', user.email, removed, languagesOfUser(user))
}
