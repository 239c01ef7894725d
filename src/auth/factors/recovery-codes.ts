import { randomInt } from 'node:crypto'
import { newId } from '../../platform/ids.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { tellSignInMethod } from '../mail/tell-sign-in-method.ts'
import { requireFreshProof } from '../require-fresh-proof.ts'
import { auditUser, type UserChange } from '../users/audit-user.ts'

const count = 10

// Without letters and digits that look alike; ten of them have 49 bits.
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'

/** Ten new codes in the place of all older ones, shown only now: `k7mfa-2xw9p`. */
export async function replaceRecoveryCodes(
  auth: Auth,
  tx: ControlPlaneTransaction,
  project: Project,
  userId: string,
): Promise<string[]> {
  const codes = Array.from({ length: count }, newCode)
  await tx.factor.deleteMany({ where: { userId, kind: 'recovery' } })
  await tx.factor.createMany({
    data: codes.map((code) => ({
      id: newId(),
      projectId: project.id,
      userId,
      kind: 'recovery',
      secret: auth.box.mac(hashed(userId, code)),
      confirmedAt: new Date(),
    })),
  })
  return codes
}

/** The same for the user themselves, on a fresh proof; the address is told. */
export async function renewRecoveryCodes(
  auth: Auth,
  change: UserChange<UserActor>,
  languages: readonly string[],
): Promise<string[]> {
  const { project, actor } = change
  requireFreshProof(actor)
  const codes = await auth.services.control.$transaction(async (tx) => {
    await auditUser(tx, change, 'user.renew_recovery_codes', actor.uid)
    return replaceRecoveryCodes(auth, tx, project, actor.uid)
  })
  const method = { recoveryCodes: String(codes.length) }
  tellSignInMethod(auth, project, 'added', actor.email, method, languages)
  return codes
}

/** One DELETE: of many parallel uses one finds the code. */
export async function useRecoveryCode(auth: Auth, userId: string, code: string): Promise<boolean> {
  const { count: used } = await auth.services.control.factor.deleteMany({
    where: { userId, kind: 'recovery', secret: { in: auth.box.macs(hashed(userId, code)) } },
  })
  return used > 0
}

function newCode(): string {
  const half = (): string =>
    Array.from({ length: 5 }, () => alphabet.charAt(randomInt(alphabet.length))).join('')
  return `${half()}-${half()}`
}

/** What is hashed of a code: keyed, since 49 bits can be searched by whoever has the database alone. */
function hashed(userId: string, code: string): string {
  return `recovery ${userId} ${code.toLowerCase().replaceAll(/[\s-]/g, '')}`
}
