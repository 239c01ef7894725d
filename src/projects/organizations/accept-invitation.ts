import { hashSecret } from '../../platform/ids.ts'
import { hashPassword } from '../../platform/passwords.ts'
import type { Services } from '../../platform/services.ts'
import { addressGroup } from '../address-group.ts'
import { limitStrictly } from '../limit-requests.ts'
import { createOperator } from '../operators/create-operator.ts'
import { linkInvalid, operatorExists } from '../operators/errors.ts'
import { openSession } from '../operators/sessions.ts'
import { type SignedIn, signInLimits } from '../operators/sign-in.ts'
import type { Projects } from '../projects.ts'
import { type AuditSource, recordAudit } from '../record-audit.ts'

/** Makes the invited person an operator and a member. Of many parallel uses one succeeds. */
export async function acceptInvitation(
  { control }: Services,
  projects: Projects,
  input: { token: string; name: string; password: string },
  request: AuditSource,
  userAgent: string | undefined,
): Promise<SignedIn> {
  await limitStrictly(projects.rateLimiter, 'invitation', addressGroup(request.ip), signInLimits.byAddress)
  const where = { tokenHash: hashSecret(input.token), expiresAt: { gt: new Date() } }
  const invitation = await control.invitation.findFirst({ where })
  // Looked at before the slow hash, so that wrong links cost nothing; used up below.
  if (invitation === null) throw linkInvalid()
  const passwordHash = await hashPassword(input.password)
  return control.$transaction(async (tx) => {
    const { count } = await tx.invitation.deleteMany({ where })
    if (count === 0) throw linkInvalid()
    const { email, organizationId, role } = invitation
    const operator = await createOperator(tx, { email, name: input.name, passwordHash })
    // They have a password of their own, which this link must not replace.
    if (operator === null) throw operatorExists()
    await tx.membership.create({ data: { organizationId, operatorId: operator.id, role } })
    await recordAudit(tx, {
      actor: { kind: 'operator', operatorId: operator.id, role },
      action: 'invitation.accept',
      target: operator.id,
      organizationId,
      detail: { email, role },
      request,
    })
    return { operator, token: await openSession(tx, operator.id, userAgent) }
  })
}
