import type { User } from '../../platform/generated/client.ts'
import { forbidden } from '../../platform/errors.ts'
import { hashSecret } from '../../platform/ids.ts'
import { hashPassword, verifyPassword } from '../../platform/passwords.ts'
import { addressGroup } from '../../projects/address-group.ts'
import { limitStrictly } from '../../projects/limit-requests.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import type { Device } from '../device.ts'
import { methodDisabled, userSuspended, wrongCredentials } from '../errors.ts'
import { normaliseEmail } from '../users/create-user.ts'
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
  await limitSignIns(auth, project, email, addressGroup(device.ip))
  const user = await auth.services.control.user.findUnique({
    where: { projectId_email: { projectId: project.id, email } },
  })
  if (user === null || !(await matches(auth, user, credentials.password))) {
    if (user === null) await verifyPassword(null, credentials.password)
    throw wrongCredentials()
  }
  if (user.suspendedAt !== null) throw userSuspended()
  if (settings.password.requireVerifiedEmail && user.emailVerifiedAt === null) {
    throw forbidden('The e-mail address is not verified yet.')
  }
  return user
}

/** Hashes that an import brought from elsewhere are replaced by ours as soon as the password is known. */
async function matches(auth: Auth, user: User, password: string): Promise<boolean> {
  const hash = user.passwordHash
  if (hash === null || !isForeignHash(hash)) return verifyPassword(hash, password)
  if (!(await verifyForeignHash(hash, password))) return false
  const passwordHash = await hashPassword(password)
  await auth.services.control.user.updateMany({
    where: { id: user.id, passwordHash: hash },
    data: { passwordHash },
  })
  return true
}

async function limitSignIns(
  { projects }: Auth,
  project: Project,
  email: string,
  address: string,
): Promise<void> {
  const limiter = projects.rateLimiter
  await limitStrictly(limiter, 'auth', `${project.id} ${address}`, signInLimits.byAddress)
  const account = `${project.id} ${hashSecret(email)} ${address}`
  await limitStrictly(limiter, 'auth-account', account, signInLimits.byAccountAndAddress)
}
