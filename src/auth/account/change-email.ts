import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { limitCodeRequests } from '../codes/limit-codes.ts'
import { makeAndSendCode } from '../codes/send-code.ts'
import type { Device } from '../device.ts'
import { sendMail } from '../mail/send-mail.ts'
import { requireFreshProof } from '../require-fresh-proof.ts'
import { normaliseEmail } from '../users/create-user.ts'
import { findUserByEmail } from '../users/find-user.ts'

/**
 * Sends a code to the new address and news of it to the old one; the address changes when the code is shown. An
 * address that somebody else has proven gets a mail that says so instead, and who asked learns nothing.
 */
export async function requestEmailChange(
  auth: Auth,
  project: Project,
  actor: UserActor,
  newAddress: string,
  device: Device,
): Promise<void> {
  requireFreshProof(actor)
  const email = normaliseEmail(newAddress)
  await limitCodeRequests(auth, project, email, device)
  const { languages } = device
  auth.behind.run('change of e-mail', async () => {
    const holder = await findUserByEmail(auth.services.db, project, email)
    const isTaken = holder !== null && holder.id !== actor.uid && holder.emailVerifiedAt !== null
    const purpose = isTaken ? 'account_exists' : 'change_email'
    await makeAndSendCode(auth, project, { purpose, email, userId: actor.uid, languages })
    if (actor.email === null || actor.email === email) return
    await sendMail(auth, project, {
      template: 'email_changed',
      to: actor.email,
      languages,
      data: { newEmail: email },
    })
  })
}
