import type { User } from '../platform/generated/client.ts'

/** A user as answers show one: to themselves, to servers and to operators. No hash, no secret. */
export function presentUser(user: User) {
  return {
    id: user.id,
    email: user.email,
    isEmailVerified: user.emailVerifiedAt !== null,
    phone: user.phone,
    isPhoneVerified: user.phoneVerifiedAt !== null,
    isAnonymous: user.isAnonymous,
    profile: user.profile,
    roles: user.roles,
    claims: user.claims,
    createdAt: user.createdAt.toISOString(),
    updatedAt: user.updatedAt.toISOString(),
    lastSignInAt: user.lastSignInAt?.toISOString() ?? null,
  }
}
