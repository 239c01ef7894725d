import { ApiError } from '../../platform/errors.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'

/** Throws `conflict` when there is nothing left that the user could sign in by. For after a removal, with the row locked. */
export async function requireWayIn(
  auth: Auth,
  tx: ControlPlaneTransaction,
  project: Project,
  userId: string,
): Promise<void> {
  const { settings } = await auth.settings.of(project)
  const { email, emailVerifiedAt, passwordHash, phoneVerifiedAt, _count } = await tx.user.findUniqueOrThrow({
    where: { id: userId },
    include: { _count: { select: { identities: true, passkeys: true } } },
  })
  const hasWayIn =
    _count.identities > 0 ||
    _count.passkeys > 0 ||
    (settings.password.enabled && email !== null && passwordHash !== null) ||
    ((settings.emailCode.enabled || settings.magicLink.enabled) && emailVerifiedAt !== null) ||
    (settings.sms.enabled && phoneVerifiedAt !== null)
  if (!hasWayIn) throw lastWayIn()
}

function lastWayIn(): ApiError {
  return new ApiError('conflict', 'It is the last way into this account; add another first.')
}
