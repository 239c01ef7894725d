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

/** Takes a way in from whoever asks, and tells their address. Throws `conflict` when they could not come back without it. */
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
    return takeWayIn(auth, tx, change, uid, way)
  })
  auth.sessions.userChanged(uid)
  tellSignInMethod(auth, project, 'removed', actor.email, removed, languages)
}

/**
 * Takes a way in from a user whose row is locked, and notes it in the log; gives back what it was. Throws 404 if they
 * have no such thing, and `conflict` when nothing is left that they could sign in by, unless that is meant.
 */
export async function takeWayIn(
  auth: Auth,
  tx: ControlPlaneTransaction,
  change: UserChange,
  userId: string,
  way: WayIn,
  mayBeLast = false,
): Promise<SignInMethod> {
  const method = await dropWayIn(tx, userId, way)
  if (method === null) throw notFound(way.kind === 'passkey' ? 'The passkey' : 'The identity')
  if (!mayBeLast) await requireWayIn(auth, tx, change.project, userId)
  await auditUser(tx, change, actions[way.kind], userId, method)
  return method
}

/** Gives back what it was; null if the user has no such thing. */
export async function dropWayIn(
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
