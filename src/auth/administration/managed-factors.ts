import Type, { type Static } from 'typebox'
import { notFound } from '../../platform/errors.ts'
import type { ControlPlane, ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
import { closed, timeSchema } from '../../projects/schemas.ts'
import { dropWayIn } from '../account/remove-way-in.ts'
import type { Auth } from '../auth.ts'
import { dropTotp } from '../factors/drop-totp.ts'
import { type SignInMethod, tellSignInMethod } from '../mail/tell-sign-in-method.ts'
import { endSessions } from '../sessions/end-sessions.ts'
import { auditUser, type UserChange } from '../users/audit-user.ts'
import { lockUserById } from '../users/lock-user-by-id.ts'
import { languagesOfUser } from './languages-of-user.ts'
import { readManagedUser } from './managed-user.ts'

export const managedFactorsSchema = Type.Object(
  {
    factors: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          kind: Type.Union([Type.Literal('totp'), Type.Literal('passkey')]),
          name: Type.String(),
          createdAt: timeSchema,
          lastUsedAt: Type.Union([timeSchema, Type.Null()], { description: 'Known of passkeys only.' }),
        },
        closed,
      ),
    ),
    recoveryCodesLeft: Type.Integer(),
  },
  closed,
)

/** What a user has beside the password: apps that were confirmed, passkeys, recovery codes. No secret. */
export async function listManagedFactors(
  control: ControlPlane,
  project: Project,
  userId: string,
): Promise<Static<typeof managedFactorsSchema>> {
  await readManagedUser(control, project, userId)
  const orderBy = { id: 'asc' } as const
  const rows = await control.factor.findMany({
    where: { userId, confirmedAt: { not: null } },
    orderBy,
    take: 100,
  })
  const passkeys = await control.passkey.findMany({ where: { userId }, orderBy, take: 100 })
  const apps = rows.filter(({ kind }) => kind === 'totp')
  return {
    factors: [
      ...apps.map(({ id, name, createdAt }) => present('totp', { id, name, createdAt, lastUsedAt: null })),
      ...passkeys.map((passkey) => present('passkey', passkey)),
    ],
    recoveryCodesLeft: rows.length - apps.length,
  }
}

/**
 * Takes an app or a passkey from a user who lost it, or all of them with the recovery codes. Whoever holds it may be
 * signed in, so all sessions end; the user is told.
 */
export async function removeManagedFactors(
  auth: Auth,
  change: UserChange,
  userId: string,
  choice: { only: string } | 'all',
): Promise<void> {
  const { project } = change
  const { user, removed } = await auth.services.control.$transaction(async (tx) => {
    const locked = await lockUserById(tx, userId)
    if (locked === null || locked.projectId !== project.id) throw notFound('The user')
    const method = choice === 'all' ? await dropAll(tx, userId) : await dropOne(tx, userId, choice.only)
    await endSessions(tx, userId, 'all')
    await auditUser(tx, change, 'user.remove_factor', userId, method)
    return { user: locked, removed: method }
  })
  auth.sessions.userChanged(userId)
  if (Object.keys(removed).length === 0) return
  tellSignInMethod(auth, project, 'removed', user.email, removed, languagesOfUser(user))
}

async function dropOne(tx: ControlPlaneTransaction, userId: string, id: string): Promise<SignInMethod> {
  const app = await dropTotp(tx, userId, id)
  if (app !== null) return app
  const passkey = await dropWayIn(tx, userId, { kind: 'passkey', id })
  if (passkey === null) throw notFound('The factor')
  return passkey
}

async function dropAll(tx: ControlPlaneTransaction, userId: string): Promise<SignInMethod> {
  const factors = await tx.factor.findMany({ where: { userId, confirmedAt: { not: null } } })
  const passkeys = await tx.passkey.findMany({ where: { userId } })
  await tx.factor.deleteMany({ where: { userId } })
  await tx.passkey.deleteMany({ where: { userId } })
  const apps = factors.filter(({ kind }) => kind === 'totp')
  const codes = factors.length - apps.length
  const names = (all: readonly { name: string }[]): string => all.map(({ name }) => name).join(', ')
  return {
    ...(apps.length > 0 && { authenticator: names(apps) }),
    ...(passkeys.length > 0 && { passkey: names(passkeys) }),
    ...(codes > 0 && { recoveryCodes: String(codes) }),
  }
}

function present(
  kind: 'totp' | 'passkey',
  { id, name, createdAt, lastUsedAt }: { id: string; name: string; createdAt: Date; lastUsedAt: Date | null },
) {
  return { id, kind, name, createdAt: createdAt.toISOString(), lastUsedAt: lastUsedAt?.toISOString() ?? null }
}
