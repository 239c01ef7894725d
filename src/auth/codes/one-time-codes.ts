import { randomInt } from 'node:crypto'
import type { Prisma } from '../../platform/generated/client.ts'
import { hashSecret, newId, newSecret } from '../../platform/ids.ts'
import type { ControlPlane, ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
import { codeInvalid } from '../errors.ts'

export type CodePurpose =
  | 'verify_email'
  | 'sign_in'
  | 'magic_link'
  | 'followed_link'
  | 'reset_password'
  | 'change_email'
  | 'sms'
  | 'challenge'
  | 'oauth'

/** What somebody has to show, once. */
export interface OneTimeSecret {
  purpose: CodePurpose
  /** What it was sent to, or what it belongs to. A new secret for the same target replaces the old one. */
  target: string
  userId?: string | null
  data?: Prisma.InputJsonObject
  minutes: number
}

/** What a secret was made for, told when it is used up. */
export interface UsedSecret {
  userId: string | null
  data: Prisma.JsonValue
}

// Six digits are guessed once in 200,000 with five attempts; links and states have 192 bits.
const maxAttempts = 5

/** A code that people type. Returns it; only its hash is stored. */
export async function makeCode(
  tx: ControlPlane | ControlPlaneTransaction,
  project: Project,
  secret: OneTimeSecret,
): Promise<string> {
  const code = String(randomInt(0, 1_000_000)).padStart(6, '0')
  await store(tx, project, secret, code)
  return code
}

/** A token that links carry. */
export async function makeToken(
  tx: ControlPlane | ControlPlaneTransaction,
  project: Project,
  secret: OneTimeSecret,
): Promise<string> {
  const token = newSecret('ot_')
  await store(tx, project, secret, token)
  return token
}

async function store(
  tx: ControlPlane | ControlPlaneTransaction,
  project: Project,
  secret: OneTimeSecret,
  plain: string,
): Promise<void> {
  const { purpose, target, userId = null, data = {}, minutes } = secret
  const values = {
    userId,
    data,
    codeHash: hashOf(project, target, plain),
    attempts: 0,
    createdAt: new Date(),
    expiresAt: new Date(Date.now() + minutes * 60_000),
  }
  await tx.oneTimeCode.upsert({
    where: { projectId_purpose_target: { projectId: project.id, purpose, target } },
    create: { id: newId(), projectId: project.id, purpose, target, ...values },
    update: values,
  })
}

/**
 * Uses a secret up: of many parallel uses exactly one gets its data, the others `code_invalid`. The attempt is counted
 * by the same statement that looks, so guesses can't slip through together.
 */
export async function useSecret(
  tx: ControlPlane | ControlPlaneTransaction,
  project: Project,
  purpose: CodePurpose,
  target: string,
  plain: string,
): Promise<UsedSecret> {
  const [used] = await tx.$queryRaw<{ user_id: string | null; data: Prisma.JsonValue }[]>`
    WITH attempted AS (
      UPDATE basalt.one_time_codes
      SET attempts = attempts + 1
      WHERE project_id = ${project.id} AND purpose = ${purpose} AND target = ${target}
        AND expires_at > now() AND attempts < ${maxAttempts} AND code_hash <> ${hashOf(project, target, plain)}
      RETURNING id
    )
    DELETE FROM basalt.one_time_codes
    WHERE project_id = ${project.id} AND purpose = ${purpose} AND target = ${target}
      AND expires_at > now() AND attempts < ${maxAttempts} AND code_hash = ${hashOf(project, target, plain)}
    RETURNING user_id, data`
  if (used === undefined) throw codeInvalid()
  return { userId: used.user_id, data: used.data }
}

// Six digits have few bits: bound to project and target, a table of all hashes serves for one code only.
function hashOf(project: Project, target: string, plain: string): string {
  return hashSecret(`${project.id} ${target} ${plain}`)
}
