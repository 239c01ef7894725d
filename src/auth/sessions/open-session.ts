import type { User, UserSession } from '../../platform/generated/client.ts'
import { newId } from '../../platform/ids.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { userSuspended, wrongCredentials } from '../errors.ts'
import { lockUserById } from '../users/lock-user-by-id.ts'
import type { Device } from '../device.ts'
import { issueTokens, type SessionTokens } from './issue-tokens.ts'

/** How a user proved who they are. */
export interface Proof {
  /** Authentication methods, RFC 8176: `pwd`, `otp`, `hwk`, `sms`, `fed`, `mfa`. */
  amr: string[]
  /** 1 for one factor, 2 for two. */
  assurance: 1 | 2
  /** Who acts as the user, for an hour at most, and never as somebody who has just proven themselves. */
  impersonator?: string
}

const impersonationDays = 1 / 24

/**
 * Opens a session for a user who has proven themselves; every way in ends here.
 * Throws 403 for a suspended user: whoever gets this far knew the password.
 */
export async function openSession(
  auth: Auth,
  tx: ControlPlaneTransaction,
  project: Project,
  user: User,
  proof: Proof,
  device: Device,
): Promise<UserSession> {
  await requireUnchanged(tx, user, proof)
  await auth.hooks.beforeSignIn(project, user)
  const { settings } = await auth.settings.of(project)
  const now = Date.now()
  const isUser = proof.impersonator === undefined
  if (isUser) await tx.user.update({ where: { id: user.id }, data: { lastSignInAt: new Date(now) } })
  return tx.userSession.create({
    data: {
      id: newId(),
      projectId: project.id,
      userId: user.id,
      amr: proof.amr,
      assurance: proof.assurance,
      impersonator: proof.impersonator ?? null,
      deviceName: device.name,
      userAgent: device.userAgent,
      ip: device.ip,
      idleAt: inDays(now, settings.sessions.idleDays),
      expiresAt: inDays(now, isUser ? settings.sessions.absoluteDays : impersonationDays),
      provenAt: new Date(isUser ? now : 0),
    },
  })
}

/**
 * Between the proof and this moment the user may have been suspended, deleted, or have lost the password that was
 * checked: who takes rights away locks the same row, so either they see this session or it is not opened.
 */
async function requireUnchanged(tx: ControlPlaneTransaction, user: User, { amr }: Proof): Promise<void> {
  const present = await lockUserById(tx, user.id)
  if (present === null) throw wrongCredentials()
  if (present.suspendedAt !== null) throw userSuspended()
  if (amr.includes('pwd') && present.passwordHash !== user.passwordHash) throw wrongCredentials()
}

/** Opens a session in a transaction of its own and answers with its tokens. */
export async function signInAs(
  auth: Auth,
  project: Project,
  user: User,
  proof: Proof,
  device: Device,
): Promise<SessionTokens> {
  const session = await auth.services.control.$transaction((tx) =>
    openSession(auth, tx, project, user, proof, device),
  )
  return issueTokens(auth, project, user, session)
}

export function inDays(now: number, days: number): Date {
  return new Date(now + days * 86_400_000)
}
