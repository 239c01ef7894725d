import { invalidValue } from '../../platform/errors.ts'
import { hashPassword, verifyPassword } from '../../platform/passwords.ts'
import type { Services } from '../../platform/services.ts'
import type { OperatorActor } from '../actor.ts'
import { limitStrictly } from '../limit-requests.ts'
import type { Projects } from '../projects.ts'
import { type AuditSource, recordAudit } from '../record-audit.ts'
import { signInLimits } from './sign-in.ts'

/** Ends every other session of the operator, on all nodes. Throws `invalid_request` for a wrong current password. */
export async function changePassword(
  { control }: Services,
  projects: Projects,
  { operator, sessionId }: { operator: OperatorActor; sessionId: string },
  input: { currentPassword: string; newPassword: string },
  request: AuditSource,
): Promise<void> {
  const { operatorId } = operator
  await limitStrictly(projects.rateLimiter, 'change-password', operatorId, signInLimits.byAccountAndAddress)
  const { passwordHash: current } = await control.operator.findUniqueOrThrow({ where: { id: operatorId } })
  if (!(await verifyPassword(current, input.currentPassword))) {
    throw invalidValue('currentPassword', 'is wrong')
  }
  const passwordHash = await hashPassword(input.newPassword)
  await control.$transaction(async (tx) => {
    await tx.operator.update({ where: { id: operatorId }, data: { passwordHash } })
    await tx.operatorSession.deleteMany({ where: { operatorId, id: { not: sessionId } } })
    await recordAudit(tx, {
      actor: operator,
      action: 'operator.change_password',
      target: operatorId,
      organizationId: null,
      request,
    })
  })
  projects.credentials.operatorChanged(operatorId)
}
