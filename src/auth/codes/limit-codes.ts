import { ApiError } from '../../platform/errors.ts'
import { hashSecret } from '../../platform/ids.ts'
import { addressGroup } from '../../projects/address-group.ts'
import { limitStrictly } from '../../projects/limit-requests.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import type { Device } from '../device.ts'
import { signInLimits } from '../password/sign-in.ts'

const byRecipient = { max: 5, seconds: 3600 }
const secondsBetween = 60

/**
 * How often somebody may have something sent. Counted before anybody looks whether there is such an account, so the
 * answer is the same for known and unknown recipients. Throws `rate_limited`.
 */
export async function limitCodeRequests(
  { projects: { rateLimiter } }: Auth,
  project: Project,
  recipient: string,
  device: Device,
): Promise<void> {
  await limitStrictly(rateLimiter, 'auth', `${project.id} ${addressGroup(device.ip)}`, signInLimits.byAddress)
  const who = `${project.id} ${hashSecret(recipient)}`
  const spacing = await rateLimiter.spaceOut(`auth-code ${who}`, secondsBetween)
  if (!spacing.allowed) {
    throw new ApiError('rate_limited', 'One was sent a moment ago; see Retry-After.', {
      retryAfterSeconds: spacing.retryAfterSeconds,
    })
  }
  await limitStrictly(rateLimiter, 'auth-code-hour', who, byRecipient)
}
