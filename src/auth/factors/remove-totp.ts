import { notFound } from '../../platform/errors.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Auth } from '../auth.ts'
import { tellSignInMethod } from '../mail/tell-sign-in-method.ts'
import { requireFreshProof } from '../require-fresh-proof.ts'
import { auditUser, type UserChange } from '../users/audit-user.ts'
import { dropTotp } from './drop-totp.ts'

/** Removes an authenticator app of one's own. With the last one the recovery codes go too. */
export async function removeTotp(
  auth: Auth,
  change: UserChange<UserActor>,
  id: string,
  languages: readonly string[],
): Promise<void> {
  const { project, actor } = change
  const { uid } = actor
  requireFreshProof(actor)
  const removed = await auth.services.control.$transaction(async (tx) => {
    const method = await dropTotp(tx, uid, id)
    if (method === null) throw notFound('The factor')
    await auditUser(tx, change, 'user.remove_factor', uid, method)
    return method
  })
  auth.sessions.userChanged(uid)
  tellSignInMethod(auth, project, 'removed', actor.email, removed, languages)
}
