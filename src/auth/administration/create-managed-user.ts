import type { Prisma } from '../../platform/generated/client.ts'
import { ApiError, invalidValue, type Issue } from '../../platform/errors.ts'
import { hashPassword, isArgon2Hash } from '../../platform/passwords.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Auth } from '../auth.ts'
import { checkJson, maxBytes } from '../check-json.ts'
import { checkNewPassword } from '../password/check-password.ts'
import { foreignHash } from '../password/foreign-hashes.ts'
import { createUser, normaliseEmail } from '../users/create-user.ts'
import { auditUser, type UserChange } from '../users/audit-user.ts'
import type { ImportedUser, NewUserInput } from './schemas.ts'

/** Makes a user for a server or an operator, who may say everything of them. Throws 409 for what is taken. */
export async function createManagedUser(
  auth: Auth,
  administration: UserChange,
  { password, ...input }: NewUserInput,
): Promise<string> {
  if (password !== undefined && input.passwordHash !== undefined) {
    throw invalidValue('passwordHash', 'can not be given beside a password')
  }
  if (password !== undefined) checkNewPassword(password, { email: input.email ?? null })
  const passwordHash = password === undefined ? null : await hashPassword(password)
  return auth.services.control.$transaction(async (tx) => {
    const id = await insertUser(auth, tx, administration, input, passwordHash)
    await auditUser(tx, administration, 'user.create', id)
    return id
  })
}

/** Without an audit entry of its own: an import writes one for all. */
export async function insertUser(
  auth: Auth,
  tx: ControlPlaneTransaction,
  { project }: UserChange,
  input: ImportedUser,
  passwordHash: string | null,
): Promise<string> {
  const { id, email = null, phone = null, profile = {}, roles = [], claims = {}, identities = [] } = input
  checkJson(profile, 'profile', maxBytes.profile)
  checkJson(claims, 'claims', maxBytes.claims)
  checkCreatedAt(input.createdAt)
  const now = new Date()
  const user = await createUser(auth, tx, project, {
    ...(id !== undefined && { id }),
    email,
    emailVerifiedAt: email !== null && input.isEmailVerified === true ? now : null,
    phone,
    phoneVerifiedAt: phone !== null && input.isPhoneVerified === true ? now : null,
    passwordHash: passwordHash ?? importedHash(input),
    profile: profile as Prisma.InputJsonObject,
    roles,
    claims: claims as Prisma.InputJsonObject,
    suspendedAt: input.suspended === true ? now : null,
    ...(input.createdAt !== undefined && { createdAt: new Date(input.createdAt) }),
  })
  if (user === null) throw await explainTaken(tx, project.id, { id, email, phone })
  if (identities.length > 0) {
    const rows = identities.map(({ provider, subject, email: address = null }) => ({
      provider,
      subject,
      email: address,
      id: crypto.randomUUID(),
      projectId: project.id,
      userId: user.id,
    }))
    const { count } = await tx.userIdentity.createMany({ data: rows, skipDuplicates: true })
    if (count < rows.length) throw taken(['identities'])
  }
  return user.id
}

function checkCreatedAt(time: string | undefined): void {
  const at = time === undefined ? 0 : Date.parse(time)
  if (!(at >= 0 && at <= Date.now())) throw invalidValue('createdAt', 'must be between 1970 and now')
}

function importedHash({ passwordHash }: ImportedUser): string | null {
  if (passwordHash === undefined) return null
  if (passwordHash.kind !== 'argon2') return foreignHash(passwordHash)
  // Or each sign-in would fail on our side, and tell that there is such an account.
  if (!isArgon2Hash(passwordHash.hash)) throw invalidValue('passwordHash.hash', 'can not be verified')
  return passwordHash.hash
}

async function explainTaken(
  tx: ControlPlaneTransaction,
  projectId: string,
  { id, email, phone }: { id: string | undefined; email: string | null; phone: string | null },
): Promise<ApiError> {
  const isThere = async (where: Prisma.UserWhereInput): Promise<boolean> =>
    (await tx.user.count({ where: { projectId, ...where } })) > 0
  const paths: string[] = []
  if (email !== null && (await isThere({ email: normaliseEmail(email) }))) paths.push('email')
  if (phone !== null && (await isThere({ phone }))) paths.push('phone')
  return taken(paths.length === 0 && id !== undefined ? ['id'] : paths)
}

export function taken(paths: readonly string[]): ApiError {
  const errors: Issue[] = paths.map((path) => ({ path, code: 'already_exists', message: 'is taken' }))
  return new ApiError('already_exists', `There is such a user already (${paths.join(', ')}).`, { errors })
}
