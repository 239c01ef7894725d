import type { User, UserSession } from '../../platform/generated/client.ts'
import type { ControlPlane, ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { AuthSettingsStore } from '../settings/settings-store.ts'

/**
 * Whether the session may do nothing yet but show a second factor, or set one up: its user has one, or the project asks
 * everybody for one. The anonymous have not even a first factor, and who acts as a user was asked at their own door.
 *
 * @param hasOne whether the user has a factor, asked only if it matters
 */
export async function owesFactor(
  settings: AuthSettingsStore,
  user: Pick<User, 'id' | 'projectId' | 'isAnonymous'>,
  session: Pick<UserSession, 'assurance' | 'impersonator'>,
  hasOne: () => boolean | Promise<boolean>,
): Promise<boolean> {
  if (session.assurance >= 2 || session.impersonator !== null) return false
  const { secondFactor } = (await settings.of({ id: user.projectId })).settings
  if (secondFactor === 'required' && !user.isAnonymous) return true
  return hasOne()
}

/** What makes a row of `factors` one that is asked for. */
const confirmedFactor = { kind: 'totp', confirmedAt: { not: null } } as const

/** Whether the user has an authenticator app that was confirmed. */
export async function hasFactor(
  control: ControlPlane | ControlPlaneTransaction,
  userId: string,
): Promise<boolean> {
  const found = await control.factor.findFirst({
    where: { userId, ...confirmedFactor },
    select: { id: true },
  })
  return found !== null
}
