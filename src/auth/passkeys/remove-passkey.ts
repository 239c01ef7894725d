import { notFound } from '../../platform/errors.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { lockUserById } from '../users/lock-user-by-id.ts'
import { requireWayIn } from '../users/require-way-in.ts'

/** Throws `conflict` when the user could not come back without it. */
export async function removePasskey(
  auth: Auth,
  project: Project,
  { uid }: UserActor,
  id: string,
): Promise<void> {
  await auth.services.control.$transaction(async (tx) => {
    // Two that go at once would each find the other.
    await lockUserById(tx, uid)
    const { count } = await tx.passkey.deleteMany({ where: { id, userId: uid } })
    if (count === 0) throw notFound('The passkey')
    await requireWayIn(auth, tx, project, uid)
  })
}
