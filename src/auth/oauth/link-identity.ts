import type { UserIdentity } from '../../platform/generated/client.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { identityTaken } from './errors.ts'
import type { ProvenAccount } from './exchange-code.ts'
import { addIdentity, findOwner, lockIdentity } from './identities.ts'
import { nameAnonymous } from './sign-in-with-account.ts'

/** Lets the account sign the user in from now on. Throws `already_exists` when it signs somebody else in. */
export async function linkIdentity(
  auth: Auth,
  project: Project,
  { uid, isAnonymous }: UserActor,
  proven: ProvenAccount,
): Promise<UserIdentity> {
  const identity = await auth.services.control.$transaction(async (tx) => {
    await lockIdentity(tx, project, proven)
    const known = await findOwner(tx, project, proven)
    if (known !== null && known.user.id !== uid) throw identityTaken()
    if (known !== null) return known.identity
    if (isAnonymous) await nameAnonymous(tx, uid, proven.account)
    return addIdentity(tx, project, uid, proven)
  })
  auth.sessions.userChanged(uid)
  return identity
}
