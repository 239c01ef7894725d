import { setTimeout as sleep } from 'node:timers/promises'
import type { User } from '../../platform/generated/client.ts'
import { forbidden } from '../../platform/errors.ts'
import { requireRoomToHash } from '../../platform/hashing/hash-threads.ts'
import { hashSecret } from '../../platform/ids.ts'
import { hashPassword, needsRehash, verifyPassword } from '../../platform/passwords.ts'
import { addressGroup } from '../../projects/address-group.ts'
import { limitStrictly } from '../../projects/limit-requests.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import type { Device } from '../device.ts'
import { methodDisabled, userSuspended, wrongCredentials } from '../errors.ts'
import { normaliseEmail } from '../users/create-user.ts'
import { findUserByEmail } from '../users/find-user.ts'
import { isForeignHash, verifyForeignHash } from './foreign-hashes.ts'

/** Never a lock on the account alone, which would let anybody lock anybody out. */
export const signInLimits = {
  byAccountAndAddress: { max: 10, seconds: 900 },
  byAddress: { max: 100, seconds: 3600 },
} as const

/**
 * Finds the user whom e-mail and password name. Unknown and wrong are the same answer after the same time;
 * a suspended account says so only to the right password.
 */
export async function checkCredentials(
  auth: Auth,
  project: Project,
  credentials: { email: string; password: string },
  device: Device,
): Promise<User> {
  const { settings } = await auth.settings.of(project)
  if (!settings.password.enabled) throw methodDisabled('password')
  const email = normaliseEmail(credentials.email)
  const beganAt = performance.now()
  requireRoomToHash()
  await limitSignIns(auth, project, email, device)
  const user = await findUserByEmail(auth.services.db, project, email)
  if (user === null || !(await passwordMatches(auth, user, credentials.password))) {
    if (user === null) await verifyPassword(null, credentials.password)
    await untilNextAnswer(beganAt)
    throw wrongCredentials()
  }
  if (user.suspendedAt !== null) throw userSuspended()
  if (settings.password.requireVerifiedEmail && user.emailVerifiedAt === null) {
    throw forbidden('The e-mail address is not verified yet.')
  }
  return user
}

// Hashes that an import brought may cost more than ours: until the first sign-in the time would tell who came along.
const millisecondsBetweenAnswers = 250

/** Wrong credentials are answered at fixed times after the request: what the hash has cost does not show. */
async function untilNextAnswer(beganAt: number): Promise<void> {
  const spent = performance.now() - beganAt
  await sleep(Math.ceil(spent / millisecondsBetweenAnswers) * millisecondsBetweenAnswers - spent)
}

/** Hashes that an import brought from elsewhere are replaced by ours as soon as the password is known. */
export async function passwordMatches(auth: Auth, user: User, password: string): Promise<boolean> {
  const hash = user.passwordHash
  const isForeign = hash !== null && isForeignHash(hash)
  const matches = isForeign ? await verifyForeignHash(hash, password) : await verifyPassword(hash, password)
  if (!matches || hash === null) return matches
  if (isForeign || needsRehash(hash)) {
    const passwordHash = await hashPassword(password)
    const where = { id: user.id, passwordHash: hash }
    await auth.services.control.user.updateMany({ where, data: { passwordHash } })
    user.passwordHash = passwordHash
  }
  return true
}

/** Attempts to guess what only one account's owner knows. Throws `rate_limited`. */
export async function limitSignIns(
  { projects }: Auth,
  project: Project,
  email: string,
  device: Device,
): Promise<void> {
  const limiter = projects.rateLimiter
  const address = addressGroup(device.ip)
  await limitStrictly(limiter, 'auth', `${project.id} ${address}`, signInLimits.byAddress)
  const account = `${project.id} ${hashSecret(email)} ${address}`
  await limitStrictly(limiter, 'auth-account', account, signInLimits.byAccountAndAddress)
}
