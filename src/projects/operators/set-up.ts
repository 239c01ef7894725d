import { hashSecret } from '../../platform/ids.ts'
import { hashPassword } from '../../platform/passwords.ts'
import type { Services } from '../../platform/services.ts'
import { limitStrictly } from '../limit-requests.ts'
import type { Projects } from '../projects.ts'
import { type AuditSource, recordAudit } from '../record-audit.ts'
import { adoptOrganizations, createOperator } from './create-operator.ts'
import { linkInvalid, operatorExists } from './errors.ts'
import { type SignedIn, signInLimits } from './sign-in.ts'
import { openSession } from './sessions.ts'
import { addressGroup } from '../address-group.ts'

/** Makes the first operator, who holds the link of the first start. Of many parallel uses one succeeds. */
export async function setUp(
  { control }: Services,
  projects: Projects,
  input: { token: string; email: string; password: string; name?: string },
  request: AuditSource,
  userAgent: string | undefined,
): Promise<SignedIn> {
  const address = addressGroup(request.ip)
  await limitStrictly(projects.rateLimiter, 'set-up', address, signInLimits.byAddress)
  const tokenHash = hashSecret(input.token)
  // Looked at before the slow hash, so that wrong links cost nothing; used up below.
  if ((await control.setupToken.count({ where: { tokenHash } })) === 0) throw linkInvalid()
  const passwordHash = await hashPassword(input.password)
  return control.$transaction(async (tx) => {
    const { count } = await tx.setupToken.deleteMany({ where: { tokenHash } })
    if (count === 0) throw linkInvalid()
    await tx.setupToken.deleteMany()
    const name = input.name ?? input.email
    const operator = await createOperator(tx, { email: input.email, name, passwordHash })
    if (operator === null) throw operatorExists()
    await adoptOrganizations(tx, operator.id)
    await recordAudit(tx, {
      actor: { kind: 'operator', operatorId: operator.id, role: null },
      action: 'operator.set_up',
      target: operator.id,
      organizationId: null,
      request,
    })
    return { operator, token: await openSession(tx, operator.id, userAgent) }
  })
}
