import type { UserIdentity } from '../../platform/generated/client.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Auth } from '../auth.ts'
import { tellSignInMethod } from '../mail/tell-sign-in-method.ts'
import { auditUser, type UserChange } from '../users/audit-user.ts'
import { identityTaken } from './errors.ts'
import type { ProvenAccount } from './exchange-code.ts'
import { addIdentity, findOwner, lockIdentity } from './identities.ts'
import { nameAnonymous } from './sign-in-with-account.ts'

/** Lets the account sign the user in from now on. Throws `already_exists` when it signs somebody else in. */
export async function linkIdentity(
  auth: Auth,
  change: UserChange<UserActor>,
  proven: ProvenAccount,
  languages: readonly string[],
): Promise<UserIdentity> {
  const { project, actor } = change
  const { uid, isAnonymous } = actor
  const { identity, isNew } = await auth.services.control.$transaction(async (tx) => {
    await lockIdentity(tx, project, proven)
    const known = await findOwner(tx, project, proven)
    if (known !== null && known.user.id !== uid) throw identityTaken()
    if (known !== null) return { identity: known.identity, isNew: false }
    if (isAnonymous) await nameAnonymous(tx, uid, proven.account)
    await auditUser(tx, change, 'user.link_identity', uid, { provider: proven.provider })
    return { identity: await addIdentity(tx, project, uid, proven), isNew: true }
  })
  auth.sessions.userChanged(uid)
  const method = { provider: proven.provider }
  if (isNew) tellSignInMethod(auth, project, 'added', actor.email, method, languages)
  return identity
}
