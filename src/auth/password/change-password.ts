import { invalidValue } from '../../platform/errors.ts'
import { hashPassword } from '../../platform/passwords.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import type { Device } from '../device.ts'
import { methodDisabled, notSignedIn } from '../errors.ts'
import { sendMail } from '../mail/send-mail.ts'
import { requireFreshProof } from '../require-fresh-proof.ts'
import { endSessions } from '../sessions/end-sessions.ts'
import { checkNewPassword } from './check-password.ts'
import { limitSignIns, passwordMatches } from './sign-in.ts'

/**
 * Replaces the password of who is signed in: with the present one, or, where there is none yet, with a fresh proof of
 * who they are. Other sessions end.
 */
export async function changePassword(
  auth: Auth,
  project: Project,
  actor: UserActor,
  change: { password: string; currentPassword?: string },
  device: Device,
): Promise<void> {
  const { control } = auth.services
  const { settings } = await auth.settings.of(project)
  if (!settings.password.enabled) throw methodDisabled('password')
  const user = await control.user.findUnique({ where: { id: actor.uid, projectId: project.id } })
  if (user === null) throw notSignedIn()
  checkNewPassword(change.password, user)
  if (user.passwordHash === null) {
    if (user.email === null) throw invalidValue('password', 'needs an e-mail address first', 'no_email')
    requireFreshProof(actor)
  } else {
    if (change.currentPassword === undefined) throw invalidValue('currentPassword', 'is missing', 'required')
    await limitSignIns(auth, project, user.email ?? user.id, device)
    if (!(await passwordMatches(auth, user, change.currentPassword))) {
      throw invalidValue('currentPassword', 'is wrong', 'wrong_password')
    }
  }
  const passwordHash = await hashPassword(change.password)
  await control.$transaction(async (tx) => {
    await tx.user.update({ where: { id: user.id }, data: { passwordHash } })
    await endSessions(tx, user.id, { except: actor.sessionId })
  })
  auth.sessions.userChanged(user.id)
  if (user.email !== null) tellPasswordChanged(auth, project, user.email, device)
}

export function tellPasswordChanged(
  auth: Auth,
  project: Project,
  email: string,
  { languages }: Device,
): void {
  auth.behind.run('password changed', () =>
    sendMail(auth, project, { template: 'password_changed', to: email, languages, data: {} }),
  )
}
