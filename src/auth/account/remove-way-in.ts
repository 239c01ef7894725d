import { notFound } from '../../platform/errors.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Auth } from '../auth.ts'
import { type SignInMethod, tellSignInMethod } from '../mail/tell-sign-in-method.ts'
import { auditUser, type UserChange } from '../users/audit-user.ts'
import { lockUserById } from '../users/lock-user-by-id.ts'
import { requireWayIn } from '../users/require-way-in.ts'

/** One of the ways in that a user has several of. */
export interface WayIn {
  kind: 'identity' | 'passkey'
  id: string
}

const actions = { identity: 'user.unlink_identity', passkey: 'user.remove_passkey' } as const

/** Takes a way in away, and tells the user's address. Throws `conflict` when the user could not come back without it. */
export async function removeWayIn(
  auth: Auth,
  change: UserChange<UserActor>,
  way: WayIn,
  languages: readonly string[],
): Promise<void> {
  const { project, actor } = change
  const { uid } = actor
  const removed = await auth.services.control.$transaction(async (tx) => {
    // Two that go at once would each find the other.
    await lockUserById(tx, uid)
    const method = await dropWayIn(tx, uid, way)
    if (method === null) throw notFound(way.kind === 'passkey' ? 'The passkey' : 'The identity')
    await requireWayIn(auth, tx, project, uid)
    await auditUser(tx, change, actions[way.kind], uid, method)
    return method
  })
  auth.sessions.userChanged(uid)
  tellSignInMethod(auth, project, 'removed', actor.email, removed, languages)
}

/** Gives back what it was; null if the user has no such thing. */
async function dropWayIn(
  tx: ControlPlaneTransaction,
  userId: string,
  { kind, id }: WayIn,
): Promise<SignInMethod | null> {
  const where = { id, userId }
  if (kind === 'passkey') {
    const passkey = await tx.passkey.findFirst({ where })
    if (passkey === null) return null
    await tx.passkey.deleteMany({ where })
    return { passkey: passkey.name }
  }
  const identity = await tx.userIdentity.findFirst({ where })
  if (identity === null) return null
  await tx.userIdentity.deleteMany({ where })
  return { provider: identity.provider }
}
