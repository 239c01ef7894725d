import type { Operator } from '../../platform/generated/client.ts'
import { hashSecret } from '../../platform/ids.ts'
import { verifyPassword } from '../../platform/passwords.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Services } from '../../platform/services.ts'
import { addressGroup } from '../address-group.ts'
import { limitStrictly } from '../limit-requests.ts'
import type { Projects } from '../projects.ts'
import type { RateLimiter } from '../rate-limiter.ts'
import { type AuditSource, recordAudit } from '../record-audit.ts'
import { normaliseEmail } from './create-operator.ts'
import { wrongSignIn } from './errors.ts'
import { openSession } from './sessions.ts'

export interface SignedIn {
  operator: Operator
  token: string
}

/** Attempts, right ones included. Never a lock on the account alone: that would let anybody lock anybody out. */
export const signInLimits = {
  byAccountAndAddress: { max: 10, seconds: 900 },
  byAddress: { max: 100, seconds: 3600 },
} as const

/** Throws the same `unauthenticated`, after the same time, whether the e-mail or the password is wrong. */
export async function signIn(
  { control }: Services,
  projects: Projects,
  input: { email: string; password: string },
  request: AuditSource,
  userAgent: string | undefined,
): Promise<SignedIn> {
  const email = normaliseEmail(input.email)
  await limitSignIns(projects.rateLimiter, email, addressGroup(request.ip))
  const operator = await control.operator.findUnique({ where: { email } })
  const matches = await verifyPassword(operator?.passwordHash ?? null, input.password)
  if (operator === null || !matches) throw wrongSignIn()
  return control.$transaction(async (tx) => {
    await recordSignIn(tx, operator, request)
    return { operator, token: await openSession(tx, operator.id, userAgent) }
  })
}

async function limitSignIns(limiter: RateLimiter, email: string, address: string): Promise<void> {
  await limitStrictly(limiter, 'sign-in', address, signInLimits.byAddress)
  const account = `${hashSecret(email)} ${address}`
  await limitStrictly(limiter, 'sign-in-account', account, signInLimits.byAccountAndAddress)
}

/** Every organization that the operator can now act in sees it in its log. */
async function recordSignIn(
  tx: ControlPlaneTransaction,
  operator: Operator,
  request: AuditSource,
): Promise<void> {
  const memberships = await tx.membership.findMany({ where: { operatorId: operator.id } })
  const organizations = memberships.length === 0 ? [null] : memberships.map((member) => member.organizationId)
  for (const organizationId of organizations) {
    await recordAudit(tx, {
      actor: { kind: 'operator', operatorId: operator.id, role: null },
      action: 'operator.sign_in',
      target: operator.id,
      organizationId,
      request,
    })
  }
}
