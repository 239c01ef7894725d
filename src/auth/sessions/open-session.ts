import type { Database } from '../../platform/database.ts'
import { Prisma, type User, type UserSession } from '../../platform/generated/client.ts'
import type { ApiError } from '../../platform/errors.ts'
import { newId } from '../../platform/ids.ts'
import { type ControlPlaneTransaction, runStatement } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { userSuspended, wrongCredentials } from '../errors.ts'
import type { Device } from '../device.ts'
import type { AuthSettings } from '../settings/auth-settings.ts'
import { answerSignIn } from './answer-sign-in.ts'
import type { SessionTokens } from './issue-tokens.ts'

/** How a user proved who they are. */
export interface Proof {
  /** Authentication methods, RFC 8176: `pwd`, `otp`, `hwk`, `sms`, `fed`, `mfa`. */
  amr: string[]
  /** 1 for one factor, 2 for two. */
  assurance: 1 | 2
  /** Who acts as the user, for an hour at most, and never as somebody who has just proven themselves. */
  impersonator?: string
}

/** A session, with what was seen of its user when it was opened. */
export interface OpenedSession extends UserSession {
  /** An authenticator app that was confirmed. */
  hasFactor: boolean
}

/**
 * Opens a session for a user who has proven themselves; every way in ends here. One statement, so it stands by itself
 * as well as in a transaction. Throws 403 for a suspended user: whoever gets this far knew the password.
 */
export async function openSession(
  auth: Auth,
  where: Database | ControlPlaneTransaction,
  project: Project,
  user: User,
  proof: Proof,
  device: Device,
): Promise<OpenedSession> {
  await auth.hooks.beforeSignIn(project, user)
  const { settings } = await auth.settings.of(project)
  const session = newSession(project, user, proof, device, settings.sessions)
  const inserted = await insertIfUnchanged(where, user, session)
  if (inserted === null) throw await explainChange(where, user)
  return { ...session, ...inserted }
}

const impersonationDays = 1 / 24

function newSession(
  project: Project,
  user: User,
  { amr, assurance, ...proof }: Proof,
  device: Device,
  { idleDays, absoluteDays }: AuthSettings['sessions'],
): UserSession {
  const now = Date.now()
  const impersonator = proof.impersonator ?? null
  const isUser = impersonator === null
  return {
    id: newId(),
    projectId: project.id,
    userId: user.id,
    generation: 1,
    rotatedAt: new Date(now),
    amr: [...amr],
    assurance,
    impersonator,
    deviceName: device.name,
    userAgent: device.userAgent,
    ip: device.ip,
    createdAt: new Date(now),
    lastUsedAt: new Date(now),
    idleAt: inDays(now, idleDays),
    expiresAt: inDays(now, isUser ? absoluteDays : impersonationDays),
    provenAt: new Date(isUser ? now : 0),
  }
}

/**
 * Between the proof and this moment the user may have been suspended, deleted, or have lost the password that was
 * checked: who takes rights away locks the same row, so either they see this session or it is not opened (null).
 */
async function insertIfUnchanged(
  where: Database | ControlPlaneTransaction,
  user: User,
  session: UserSession,
): Promise<{ hasFactor: boolean } | null> {
  const { id, projectId, userId, generation, rotatedAt, amr, assurance, impersonator } = session
  const { deviceName, userAgent, ip, createdAt, lastUsedAt, idleAt, expiresAt, provenAt } = session
  // What else proves somebody was looked at in this transaction, under the same lock.
  const passwordHash = amr.includes('pwd') ? user.passwordHash : null
  const statement = Prisma.sql`
    WITH present AS (
      SELECT id
      FROM basalt.users
      WHERE id = ${userId} AND suspended_at IS NULL
        AND (${passwordHash}::text IS NULL OR password_hash = ${passwordHash})
      FOR UPDATE
    ), seen AS (
      UPDATE basalt.users
      SET last_sign_in_at = ${createdAt}, updated_at = ${createdAt}
      WHERE id IN (SELECT id FROM present) AND ${impersonator}::text IS NULL
    )
    INSERT INTO basalt.user_sessions (id, project_id, user_id, generation, rotated_at, amr, assurance, impersonator,
      device_name, user_agent, ip, created_at, last_used_at, idle_at, expires_at, proven_at)
    SELECT ${id}, ${projectId}, present.id, ${generation}, ${rotatedAt}, ${amr}, ${assurance}, ${impersonator},
      ${deviceName}, ${userAgent}, ${ip}, ${createdAt}, ${lastUsedAt}, ${idleAt}, ${expiresAt}, ${provenAt}
    FROM present
    RETURNING EXISTS (
      SELECT
      FROM basalt.factors
      WHERE user_id = ${userId} AND kind = 'totp' AND confirmed_at IS NOT NULL
    ) AS "hasFactor"`
  const [inserted] = await runStatement<{ hasFactor: boolean }>(where, statement)
  return inserted ?? null
}

async function explainChange(where: Database | ControlPlaneTransaction, { id }: User): Promise<ApiError> {
  const statement = Prisma.sql`SELECT id FROM basalt.users WHERE id = ${id} AND suspended_at IS NOT NULL`
  const isSuspended = (await runStatement(where, statement)).length > 0
  return isSuspended ? userSuspended() : wrongCredentials()
}

/** Opens a session, with nothing else to be done, and answers with its tokens. */
export async function signInAs(
  auth: Auth,
  project: Project,
  user: User,
  proof: Proof,
  device: Device,
): Promise<SessionTokens> {
  const session = await openSession(auth, auth.services.db, project, user, proof, device)
  return answerSignIn(auth, project, user, session)
}

export function inDays(now: number, days: number): Date {
  return new Date(now + days * 86_400_000)
}
