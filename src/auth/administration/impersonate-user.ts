import { actorLabel } from '../../projects/actor.ts'
import type { Auth } from '../auth.ts'
import type { Device } from '../device.ts'
import { issueTokens, type SessionTokens } from '../sessions/issue-tokens.ts'
import { openSession, type Proof } from '../sessions/open-session.ts'
import { readManagedUser } from './managed-user.ts'
import { auditUser, type UserChange } from '../users/audit-user.ts'

/** A session as the user, for an hour: its tokens say who really acts (RFC 8693, section 4.1), and so does the log. */
export async function impersonateUser(
  auth: Auth,
  administration: UserChange,
  id: string,
  device: Device,
): Promise<SessionTokens> {
  const { project, actor } = administration
  const proof: Proof = { amr: [], assurance: 1, impersonator: actorLabel(actor) }
  const { user, session } = await auth.services.control.$transaction(async (tx) => {
    const user = await readManagedUser(tx, project, id)
    const session = await openSession(auth, tx, project, user, proof, device)
    await auditUser(tx, administration, 'user.impersonate', id, { session: session.id })
    return { user, session }
  })
  return issueTokens(auth, project, user, session)
}
