import type { Prisma, User } from '../../platform/generated/client.ts'
import { newId } from '../../platform/ids.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'

export interface NewUser {
  id?: string
  email?: string | null
  emailVerifiedAt?: Date | null
  phone?: string | null
  phoneVerifiedAt?: Date | null
  passwordHash?: string | null
  isAnonymous?: boolean
  profile?: Prisma.InputJsonObject
  roles?: string[]
  claims?: Prisma.InputJsonObject
  suspendedAt?: Date | null
  createdAt?: Date
}

/**
 * Makes a user; every way in that may find nobody ends here. Null when the e-mail or phone number is taken: who may
 * learn that is for the caller to decide. Hooks may refuse.
 */
export async function createUser(
  auth: Auth,
  tx: ControlPlaneTransaction,
  project: Project,
  { email, ...rest }: NewUser,
): Promise<User | null> {
  const data = {
    id: newId(),
    projectId: project.id,
    email: typeof email === 'string' ? normaliseEmail(email) : null,
    ...rest,
  }
  await auth.hooks.beforeSignUp(project, {
    id: data.id,
    email: data.email,
    phone: rest.phone ?? null,
    isAnonymous: rest.isAnonymous ?? false,
    profile: rest.profile ?? {},
    roles: rest.roles ?? [],
    claims: rest.claims ?? {},
  })
  // ON CONFLICT DO NOTHING: a violation would end the transaction that asks.
  const [user] = await tx.user.createManyAndReturn({ data: [data], skipDuplicates: true })
  return user ?? null
}

/** Addresses are compared without regard to case, and in one form of Unicode. */
export function normaliseEmail(email: string): string {
  return email.trim().normalize('NFC').toLowerCase()
}
