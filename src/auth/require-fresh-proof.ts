import type { UserActor } from '../projects/actor.ts'
import { stepUpRequired } from './errors.ts'

/**
 * For calls that a stolen token must not be enough for: throws `step_up_required` unless the user has proven who they
 * are within the last minutes. The anonymous have nothing to prove it with.
 */
export function requireFreshProof(user: UserActor, minutes = 5): void {
  if (!user.isAnonymous && Date.now() - user.provenAt > minutes * 60_000) throw stepUpRequired()
}
