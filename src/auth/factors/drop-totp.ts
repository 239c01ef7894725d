import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { SignInMethod } from '../mail/tell-sign-in-method.ts'
import { hasFactor } from './owes-factor.ts'

/**
 * Takes an authenticator app away, and with the last one the recovery codes. Gives back what it was; null if the user
 * has no such thing.
 */
export async function dropTotp(
  tx: ControlPlaneTransaction,
  userId: string,
  id: string,
): Promise<SignInMethod | null> {
  const where = { id, userId, kind: 'totp' }
  const factor = await tx.factor.findFirst({ where })
  if (factor === null) return null
  await tx.factor.deleteMany({ where })
  const authenticator = factor.name
  if (await hasFactor(tx, userId)) return { authenticator }
  const { count } = await tx.factor.deleteMany({ where: { userId, kind: 'recovery' } })
  return { authenticator, ...(count > 0 && { recoveryCodes: String(count) }) }
}
