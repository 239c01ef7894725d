import { ApiError } from '../../platform/errors.ts'
import { newId } from '../../platform/ids.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { codeInvalid } from '../errors.ts'
import { tellSignInMethod } from '../mail/tell-sign-in-method.ts'
import { requireFreshProof } from '../require-fresh-proof.ts'
import type { SessionTokens } from '../sessions/issue-tokens.ts'
import { auditUser, type UserChange } from '../users/audit-user.ts'
import { replaceRecoveryCodes } from './recovery-codes.ts'
import { renewProof } from './renew-proof.ts'
import { requireRightToAdd } from './require-right-to-add.ts'
import { matchingStep, newTotp } from './totp.ts'
import { limitFactorAttempts } from './use-factor-code.ts'

const maxFactors = 10
const pendingMinutes = 15

export interface EnrolledTotp {
  id: string
  /** In base32, for typing. */
  secret: string
  /** `otpauth://…`, for a QR code. */
  uri: string
}

/** Makes a secret for an authenticator app, in the place of one that was not confirmed. Counts only once confirmed. */
export async function enrolTotp(
  auth: Auth,
  project: Project,
  actor: UserActor,
  name: string,
): Promise<EnrolledTotp> {
  requireFreshProof(actor)
  await requireRightToAdd(auth, project, actor)
  const { uid } = actor
  const id = newId()
  const { secret, uri } = await newTotp(project.name, actor.email ?? uid)
  await auth.services.control.$transaction(async (tx) => {
    await tx.factor.deleteMany({ where: { userId: uid, kind: 'totp', confirmedAt: null } })
    if ((await tx.factor.count({ where: { userId: uid, kind: 'totp' } })) >= maxFactors) {
      throw new ApiError('conflict', `You have ${maxFactors} factors already; remove one first.`)
    }
    const sealed = auth.box.seal(secret, uid)
    await tx.factor.create({
      data: { id, projectId: project.id, userId: uid, kind: 'totp', name, secret: sealed },
    })
  })
  return { id, secret, uri }
}

export interface ConfirmedTotp {
  session: SessionTokens
  /** Null when there are some already. */
  recoveryCodes: string[] | null
}

/** The first code shows that the app has the secret: from now on it is asked for. Raises the session. */
export async function confirmTotp(
  auth: Auth,
  change: UserChange<UserActor>,
  { id, code }: { id: string; code: string },
  languages: readonly string[],
): Promise<ConfirmedTotp> {
  const { project, actor } = change
  requireFreshProof(actor)
  await requireRightToAdd(auth, project, actor)
  await limitFactorAttempts(auth, project, actor.uid)
  const { uid } = actor
  const { control } = auth.services
  const since = new Date(Date.now() - pendingMinutes * 60_000)
  const pending = { id, userId: uid, kind: 'totp', confirmedAt: null, createdAt: { gt: since } }
  const found = await control.factor.findFirst({ where: pending })
  const step = found === null ? null : await matchingStep(auth.box.open(found.secret, uid), code, Date.now())
  if (found === null || step === null) throw codeInvalid()
  const authenticator = found.name
  const recoveryCodes = await control.$transaction(async (tx) => {
    const data = { confirmedAt: new Date(), lastStep: step }
    if ((await tx.factor.updateMany({ where: pending, data })).count === 0) throw codeInvalid()
    await auditUser(tx, change, 'user.add_factor', uid, { authenticator })
    const isFirst = (await tx.factor.count({ where: { userId: uid, kind: 'recovery' } })) === 0
    return isFirst ? replaceRecoveryCodes(auth, tx, project, uid) : null
  })
  const method = { authenticator, ...(recoveryCodes && { recoveryCodes: String(recoveryCodes.length) }) }
  tellSignInMethod(auth, project, 'added', actor.email, method, languages)
  return { session: await renewProof(auth, project, actor, ['otp', 'mfa']), recoveryCodes }
}
