import { notFound } from '../../platform/errors.ts'
import type { Auth } from '../auth.ts'
import { auditUser, type UserChange } from '../users/audit-user.ts'

/** Removes the user with sessions, identities and factors. What they wrote in the app's collections is the app's. */
export async function deleteManagedUser(auth: Auth, administration: UserChange, id: string): Promise<void> {
  await auth.services.control.$transaction(async (tx) => {
    const { count } = await tx.user.deleteMany({ where: { id, projectId: administration.project.id } })
    if (count === 0) throw notFound('The user')
    await auditUser(tx, administration, 'user.delete', id)
  })
  auth.sessions.userChanged(id)
}
