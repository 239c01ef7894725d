import { secondFactorRequired } from '../../platform/errors.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { hasFactor } from './owes-factor.ts'

/**
 * Who knows only the password must not get past the second factor by setting up another. Where the project asks for one
 * and there is none yet, it may be set up: an app, or a passkey.
 */
export async function requireRightToAdd(
  { services, settings }: Auth,
  project: Project,
  { uid, assurance, owesFactor }: UserActor,
): Promise<void> {
  if (assurance >= 2) return
  if (await hasFactor(services.control, uid)) throw secondFactorRequired()
  if (!owesFactor || !(await settings.of(project)).settings.passkeys.enabled) return
  if ((await services.control.passkey.count({ where: { userId: uid } })) > 0) throw secondFactorRequired()
}
